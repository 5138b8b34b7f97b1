/** Repeats recorded calls: as entries of a script for a board, or on an engine of this process. */
import type { FirmwareCalls } from '../../../host/engine/engine.ts';
import type { RecordedCall } from '../../emulator/recording.ts';
import { place, type Script } from './script.ts';

const frameBytesMax = 256;
const recordBytesMax = 256;

/** Adds a recorded call to a script. Returns the number of its entry. */
export function addRecorded(script: Script, call: RecordedCall): number {
  const { op, nowS, nowMs, bytes, cause } = call;
  switch (op) {
    case 'boot':
      script.write(place.config, bytes);
      return script.call('boot', place.context, place.config, bytes.length, cause, nowS, nowMs);
    case 'receive':
      script.write(place.frame, bytes);
      return script.call('receive', place.context, nowS, nowMs, place.frame, bytes.length);
    case 'observe':
      script.write(place.record, bytes);
      return script.call('observe', place.context, nowS, nowMs, place.record, bytes.length);
    case 'tick':
    case 'deadline':
      return script.call(op, place.context, nowS, nowMs);
    case 'transmit':
      return script.call('transmit', place.context, nowS, nowMs, place.frame, frameBytesMax);
    case 'command':
    case 'event':
      return script.call(op, place.context, place.record, recordBytesMax);
  }
}

/**
 * Repeats a recorded call on an engine. The call's input lies at `at`, and its output is written
 * there as well.
 */
export function repeatOn(calls: FirmwareCalls, call: RecordedCall, ctx: number, at: number): number {
  const { op, nowS, nowMs, bytes, cause } = call;
  switch (op) {
    case 'boot':
      return calls.boot(ctx, at, bytes.length, cause, nowS, nowMs);
    case 'receive':
    case 'observe':
      return calls[op](ctx, nowS, nowMs, at, bytes.length);
    case 'tick':
    case 'deadline':
      return calls[op](ctx, nowS, nowMs);
    case 'transmit':
      return calls.transmit(ctx, nowS, nowMs, at, frameBytesMax);
    case 'command':
    case 'event':
      return calls[op](ctx, at, recordBytesMax);
  }
}
