/** Repeats recorded calls: as entries of a script for a board, or on an engine of this process. */
import type { FirmwareCalls } from '../../../host/engine/engine.ts';
import type { RecordedCall } from '../../emulator/recording.ts';
import type { Script } from './script.ts';
import { FRAME_BYTES_MAX, OBSERVED_BYTES_MAX } from '../../../host/cbor/generated.ts';
import { SCRIPT_PLACE } from '../generated_harness.ts';

/** Adds a recorded call to a script. Returns the number of its entry. */
export function addRecorded(script: Script, call: RecordedCall): number {
  const { op, nowS, nowMs, bytes, cause } = call;
  switch (op) {
    case 'boot':
      script.write(SCRIPT_PLACE.config, bytes);
      return script.call('boot', SCRIPT_PLACE.context, SCRIPT_PLACE.config, bytes.length, cause, nowS, nowMs);
    case 'receive':
      script.write(SCRIPT_PLACE.frame, bytes);
      return script.call('receive', SCRIPT_PLACE.context, nowS, nowMs, SCRIPT_PLACE.frame, bytes.length);
    case 'observe':
      script.write(SCRIPT_PLACE.record, bytes);
      return script.call('observe', SCRIPT_PLACE.context, nowS, nowMs, SCRIPT_PLACE.record, bytes.length);
    case 'tick':
      return script.call(op, SCRIPT_PLACE.context, nowS, nowMs);
    case 'transmit':
      return script.call('transmit', SCRIPT_PLACE.context, nowS, nowMs, SCRIPT_PLACE.frame, FRAME_BYTES_MAX);
    case 'command':
    case 'event':
      return script.call(op, SCRIPT_PLACE.context, SCRIPT_PLACE.record, OBSERVED_BYTES_MAX);
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
      return calls.tick(ctx, nowS, nowMs);
    case 'transmit':
      return calls.transmit(ctx, nowS, nowMs, at, FRAME_BYTES_MAX);
    case 'command':
    case 'event':
      return calls[op](ctx, at, OBSERVED_BYTES_MAX);
  }
}
