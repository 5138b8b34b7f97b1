// RAD-1, rule by rule: how fast the scrubber passes and when, what it reaches, what it reports.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, FIELD, type Message, STATUS, STATUS_MASK, TYPE, WORK_KIND } from '../../host/cbor/generated.ts';
import { smallWorld } from '../firmware/cluster.ts';
import { besideBytes, DirectNode } from '../firmware/direct_node.ts';
import { LoneNode } from '../schedule/node.ts';
import { firstUnsound, Lines } from './watch.ts';

const rules = suite('scrubbing, rule by rule');

const lines = new Lines('flight');
const startS = 36_000;
const hourS = 3600;
/** A pass takes 4 min in a storm, and 2.5 h at most in quiet times. */
const stormPassS = 240;
/** The scrubber works as in a storm for so long after a start, and after an upset. */
const alertS = 3 * hourS;
const health: Message = { name: 'health', tasks: 255, batteryWh: 9000, storedKg: 0, solarW: 4000 };

function live(node: LoneNode, untilS: number): void {
  while (node.missionS < untilS) {
    node.runTo(Math.min(untilS, node.missionS + 300));
    node.observe(health);
  }
}

/** Passes of the scrubber in the next hour. */
function passesInAnHour(node: LoneNode): number {
  const before = node.protection().passes;
  live(node, node.missionS + hourS);
  return node.protection().passes - before;
}

/** A node that was started long ago, and whose scrubber found nothing since. */
function quiet(): LoneNode {
  const node = new LoneNode({}, startS);
  live(node, startS + alertS + 600);
  assert.is(node.protection().corrected, 0);
  return node;
}

const wordsOf = (node: { engine: LoneNode['engine'] }) => new Uint32Array(node.engine.view().buffer);
const flip = (node: LoneNode | DirectNode, line: number, bits: number, word = 15) => {
  wordsOf(node)[(node.context + lines.at + line * 64 + word * 4) >> 2] ^= bits;
};
const upsets = (node: LoneNode) =>
  node.events.filter(({ fields }) => fields[0] === TYPE.upset).map(({ fields }) => fields);

rules('RAD-1 holds: the scrubber passes every 4 min for three hours after a start, then once in hours', () => {
  const node = new LoneNode({}, startS);
  for (let hour = 0; hour < 3; hour++) assert.ok(Math.abs(passesInAnHour(node) - hourS / stormPassS) <= 1);
  live(node, node.missionS + 300);
  assert.ok(passesInAnHour(node) <= 1);
  assert.ok(passesInAnHour(node) <= 1);
});

rules('RAD-1 holds: the scrubber passes every 4 min in an announced storm, and no longer', () => {
  const node = quiet();
  const storm = { name: 'outlook', kind: 2, fromS: node.missionS, untilS: node.missionS + 2 * hourS } as const;
  assert.ok(passesInAnHour(node) <= 1);
  node.observe({ ...storm, fromS: node.missionS, untilS: node.missionS + 2 * hourS });
  for (let hour = 0; hour < 2; hour++) assert.ok(Math.abs(passesInAnHour(node) - hourS / stormPassS) <= 1);
  live(node, node.missionS + 300);
  assert.ok(passesInAnHour(node) <= 1);
});

rules('RAD-1 holds: an upset that is found makes the scrubber fast for three hours', () => {
  const node = quiet();
  // The lines of the core are checked in every call or by the next tick.
  flip(node, lines.lineOf('NODE_AT'), 4, 14);
  live(node, node.missionS + 300);
  assert.is(node.protection().corrected, 1);
  for (let hour = 0; hour < 2; hour++) assert.ok(Math.abs(passesInAnHour(node) - hourS / stormPassS) <= 1);
  live(node, node.missionS + hourS);
  assert.ok(passesInAnHour(node) <= 1);
});

rules('RAD-1 holds: a pass begins when the one before ends', () => {
  const node = new LoneNode({}, startS);
  live(node, startS + 1200);
  const { beganS, passes } = node.protection();
  live(node, startS + 1200 + stormPassS);
  const next = node.protection();
  assert.is(next.passes, passes + 1);
  assert.ok(next.beganS - beganS >= stormPassS - 60 && next.beganS - beganS <= stormPassS + 60);
});

rules('RAD-1 holds: a bit that flips in every line at once is corrected in each within two passes', () => {
  const node = new LoneNode({}, startS);
  live(node, startS + 1200);
  const records = () => node.commands.length + node.events.length;
  const before = records();
  for (let line = 0; line < lines.count; line++) flip(node, line, 1 << (line % 32), line % 16);
  live(node, startS + 1200 + 2 * stormPassS + 120);
  assert.is(firstUnsound(lines, wordsOf(node), node.context), -1);
  const { corrected } = node.protection();
  // The line of a new command or event is replaced whole, and not checked. The platform reads the
  // last ones a minute later.
  live(node, node.missionS + 60);
  const replaced = records() - before;
  assert.ok(corrected >= lines.count - replaced, `${corrected} lines, and ${replaced} records`);
  const counts = upsets(node).map((fields) => fields[FIELD.upset.count]);
  const reported = counts.reduce((sum, count) => sum + count, 0);
  // The upset of the line that counts them is counted, and not reported. A report counts 255 at
  // most: one call may correct more.
  assert.ok(reported === corrected - 1 || (reported < corrected - 1 && counts.includes(255)), `${reported} reported`);
});

rules('RAD-1 holds: the scrubber reaches the tables that no other work reads', () => {
  const node = new DirectNode({ bootMs: startS * 1000 });
  node.tick();
  const [first, end] = [lines.lineOf('GROUPS_AT'), lines.lineOf('MEMBERS_AT')];
  for (let line = first; line < end; line++) flip(node, line, 4);
  node.runTo((startS + stormPassS + 120) * 1000);
  assert.is(firstUnsound(lines, wordsOf(node), node.context), -1);
  assert.is(node.protection().corrected, end - first);
});

rules('RAD-1 holds: an upset of a line that every call checks is reported as a minute old at most', () => {
  const node = quiet();
  const line = lines.lineOf('NODE_AT');
  flip(node, line, 4, 14);
  node.observe(health);
  const [fields, ...more] = upsets(node);
  assert.equal(more, []);
  assert.is(fields[FIELD.upset.line], line);
  assert.is(fields[FIELD.upset.ageS], 60);
  assert.is(fields[FIELD.upset.count], 1);
});

rules('RAD-1 holds: an upset that the scrubber finds is reported as old as its pass at most', () => {
  const node = quiet();
  const line = lines.count - 2;
  flip(node, line, 4);
  live(node, node.missionS + 6 * hourS);
  const [fields, ...more] = upsets(node);
  assert.equal(more, []);
  assert.is(fields[FIELD.upset.line], line);
  const ageS = fields[FIELD.upset.ageS];
  assert.ok(ageS > stormPassS && ageS <= 6 * hourS, `${ageS} s`);
});

/** Address of the tables of CRC-32C in static memory. */
function crcTables(node: LoneNode): number {
  const view = node.engine.view();
  const second = Uint8Array.of(0x03, 0x83, 0x6b, 0xf2, 0xf7, 0x70, 0x3b, 0xe1);
  const at = Buffer.from(view.buffer, 0, node.engine.calls.memory_base()).indexOf(second) - 4;
  assert.ok(at > 0);
  return at;
}

rules('RAD-1 holds: a flipped bit of any entry of the CRC tables is corrected within two periods', () => {
  for (const entry of [1, 100, 255]) {
    const node = quiet();
    const at = crcTables(node) + entry * 4 + 2;
    const right = node.engine.view()[at];
    node.engine.view()[at] ^= 0x20;
    node.runTo(node.missionS + 120);
    assert.is(node.engine.view()[at], right, `entry ${entry}`);
    assert.is(node.protection().corrected, 1);
  }
});

rules('RAD-1 holds: an upset found while the ring of events is full is reported when there is room', () => {
  const node = new DirectNode({ bootMs: startS * 1000, groups: smallWorld });
  node.tick();
  const work = { kind: WORK_KIND.mine, durationS: 0, priority: 1, startS: startS + hourS, endS: startS + 40_000 };
  for (let rate = 1; node.lossCount(COUNTER.eventsFull) === 0; rate++) {
    assert.ok(rate < 200, 'each claim makes an event');
    node.observe({ name: 'assign', slot: rate % 4, resource: (1 << 16) | (rate % 4), rate, ...work });
    node.commands();
  }
  for (let line = 0; line < 3; line++) {
    flip(node, lines.lineOf('NODE_AT'), 4, 14);
    node.nowMs += 1000;
    assert.is(node.tick() & STATUS_MASK, STATUS.ok);
  }
  const isUpset = ([type]: number[]) => type === TYPE.upset;
  assert.equal(node.events().filter(isUpset), []);
  node.tick();
  const [fields, ...more] = node.events().filter(isUpset);
  assert.equal(more, []);
  assert.is(fields[FIELD.upset.count], 3);
});

rules('RAD-1 holds: a boot writes nothing behind its context', () => {
  const node = new DirectNode();
  const end = node.context + node.engine.image.contextBytes;
  node.engine.view().fill(0xa5, end, end + besideBytes);
  node.reboot();
  assert.equal(node.engine.view().slice(end, end + besideBytes), new Uint8Array(besideBytes).fill(0xa5));
});

rules.run();
