// RAD-1: two flipped bits in a line that the scrubber meets first: what can be made anew is, and the cluster agrees again.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { firstUnsound, Lines } from './watch.ts';

const test = suite('radiation: rebuild');
const lines = new Lines('flight');
const constants = firmwareConstants('flight');
const whatView = 7;
const whatOwn = 3;
const whatProtection = 11;
const nodes = 8;
const struck = 3;
/** Two minutes after an epoch's cut and the turn of a slot of the timeline: the next walks over them are eight minutes away, a scrubber's pass after a start takes four. */
const strikeS = 3720;
const scrubbedS = strikeS + 5 * 60;
const agreedS = strikeS + 1800;

function grown(): TestCluster {
  const cluster = new TestCluster({ nodes });
  cluster.runTo(strikeS);
  return cluster;
}

/** Flips two bits of one word of a line of the struck node. */
function strike(cluster: TestCluster, line: number): void {
  const words = new Uint32Array(cluster.engine.view().buffer);
  words[(cluster.contexts[struck] + lines.at + line * 64) >> 2] ^= 0x0000_0011;
}

/** Lines of the intents that this owner has at the struck node. */
function heldOf(cluster: TestCluster, owner: number): number[] {
  const slots = constants.get('OWN_SLOTS')!;
  const index = new Uint16Array(
    cluster.engine.view().buffer,
    cluster.contexts[struck] + constants.get('INTENT_INDEX_AT')! + owner * slots * 2,
    slots,
  );
  return [...index].filter((record) => record !== 0xffff).map((record) => lines.lineOf('INTENTS_AT') + record);
}

const views = (cluster: TestCluster) =>
  Array.from({ length: nodes }, (_, node) => cluster.inspect(node, whatView).slice(0, 3).join(' '));
const heldCount = (cluster: TestCluster) => cluster.inspect(struck, whatView)[6];
const dropped = (cluster: TestCluster) => cluster.inspect(struck, whatProtection)[1];

const kinds: [string, (cluster: TestCluster) => number][] = [
  ["another's intent", (cluster) => heldOf(cluster, (struck + 1) % nodes)[0]],
  ['a free record', () => lines.lineOf('INTENTS_AT') + 790],
  ['the index of intents of other owners', () => lines.lineOf('INTENT_INDEX_AT') + 1],
  ['the timeline', () => lines.lineOf('TIMELINE_AT') + 20],
  ['an event that nobody waits for', () => lines.lineOf('EVENTS_AT') + 70],
  ['loss counters', () => lines.lineOf('COUNTERS_AT') + 1],
];

for (const [what, choose] of kinds)
  test(`RAD-1 holds: ${what} is let go, every line has its code, and all agree again`, () => {
    const [cluster, sound] = [grown(), grown()];
    const own = cluster.inspect(struck, whatOwn);
    assert.ok(own[0] !== 0 && own[4] === 1, 'the node works');
    strike(cluster, choose(cluster));
    cluster.runTo(scrubbedS);
    assert.is(dropped(cluster), 1);
    const words = new Uint32Array(cluster.engine.view().buffer);
    assert.is(firstUnsound(lines, words, cluster.contexts[struck]), -1);
    cluster.runTo(agreedS);
    sound.runTo(agreedS);
    assert.is(new Set(views(cluster)).size, 1, 'the cluster agrees');
    assert.is(heldCount(cluster), heldCount(sound), 'what was let go is held again');
    assert.is(dropped(cluster), 1);
    assert.equal(cluster.inspect(struck, whatOwn).slice(1), own.slice(1), 'its own work goes on');
  });

const vital: [string, (cluster: TestCluster) => number][] = [
  ['the view', () => lines.lineOf('MEMBERSHIP_AT')],
  ['a resource group', () => lines.lineOf('GROUPS_AT')],
  ['an own intent', (cluster) => heldOf(cluster, struck)[0]],
];

for (const [what, choose] of vital)
  test(`RAD-1 holds: two flipped bits in ${what} end in the crash recovery, before anything is said`, () => {
    const cluster = grown();
    strike(cluster, choose(cluster));
    assert.throws(() => cluster.runTo(scrubbedS), /unreachable/);
    const site = cluster.engine.calls.trap_site();
    assert.ok(site >= 900 && site < 950, `site ${site}`);
  });

test.run();
