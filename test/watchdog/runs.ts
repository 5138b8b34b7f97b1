/** Runs of a lone node whose telemetry says which tasks of the platform check in. */
import * as assert from 'uvu/assert';
import { ANSWER, BOOT_CAUSE, INSPECT, TYPE } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { firstUnsound, Lines, recode } from '../radiation/watch.ts';
import type { Boot, LoneNode, NodeRecord } from '../schedule/node.ts';

export const startS = 36_000;
const telemetryS = 300;

export function recordsOf(records: readonly NodeRecord[], type: number): NodeRecord[] {
  return records.filter(({ fields }) => fields[0] === type);
}

/** Returns the recovery commands of the node, without feeds and checkpoints, as `type:fields`. */
export function recoveriesOf(node: LoneNode): string[] {
  return node.commands
    .filter(({ fields }) => fields[0] >= TYPE.restartTask && fields[0] <= TYPE.safeMode)
    .map(({ fields }) => fields.join(':'));
}

export const isInSafeMode = (node: LoneNode): boolean => node.inspect(INSPECT.node)[ANSWER.node.safeMode] === 1;

/** Sets the flag of safe mode, and the code of its line, as a wrong write of the firmware would. */
export function overwriteSafeModeFlag(node: LoneNode, flag: { before: number; after: number }): void {
  const words = new Uint32Array(node.engine.view().buffer);
  const nodeAt = firmwareConstants('flight').get('NODE_AT')!;
  const word = ((node.context + nodeAt) >> 2) + 8;
  // The other bytes of the word are other fields.
  assert.is(words[word] & 0xff, flag.before);
  words[word] = (words[word] & ~0xff) | flag.after;
  const lines = new Lines('flight');
  recode(lines, words, node.context, nodeAt);
  assert.is(firstUnsound(lines, words, node.context), -1, 'no check finds the write');
}

export function sendTelemetry(node: LoneNode, tasks: number): void {
  node.observe({ name: 'health', tasks, batteryWh: 9000, storedKg: 0, solarW: 4000 });
}

/** Runs to a mission second, with telemetry every five minutes in which these tasks check in. */
export function runTo(node: LoneNode, untilS: number, tasks: number): void {
  while (node.missionS < untilS) {
    const periods = Math.floor((node.missionS - startS) / telemetryS) + 1;
    node.runTo(Math.min(untilS, periods * telemetryS + startS));
    sendTelemetry(node, tasks);
  }
}

/**
 * Runs as `runTo`, until a command of this type comes (examined every 10 s). Returns the command.
 */
export function runUntilCommand(node: LoneNode, type: number, untilS: number, tasks: number): NodeRecord {
  const before = recordsOf(node.commands, type).length;
  while (node.missionS < untilS && recordsOf(node.commands, type).length === before) {
    const nextS = node.missionS + 10;
    node.runTo(nextS);
    if ((nextS - startS) % telemetryS < 10) sendTelemetry(node, tasks);
  }
  const commands = recordsOf(node.commands, type);
  assert.ok(commands.length > before, `command ${type} by ${untilS}; sent: ${recoveriesOf(node).join(' ')}`);
  return commands[commands.length - 1];
}

/** Restarts the runtime from its checkpoint; the clock runs on. */
export function restartRuntime(node: LoneNode, image: Uint8Array): void {
  const localS = Math.floor(node.localMs / 1000) + 5;
  assert.is(node.restore(image, { cause: BOOT_CAUSE.runtimeRestart, localS }), 0);
}

export function resetProcessor(node: LoneNode, image: Uint8Array, boot: Boot): void {
  assert.is(node.restore(image, { cause: BOOT_CAUSE.commandedReset, localS: 0, ...boot }), 0);
}

export const allTasks = 0xff;
export const withoutTask3 = allTasks & ~(1 << 3);
