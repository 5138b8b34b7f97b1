// SEC-5: which versions of started work in an owner's name need its statement.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COUNTER, type Intent, INTENT_STATE } from '../../host/cbor/generated.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { assign, DAY, HOUR, lot } from '../firmware/driven.ts';
import { openedFrame } from './sealed.ts';

const releases = suite('SEC-5: forged releases');

const owner = 1;
const member = 0;
const BYZANTINE = 3;
const beginS = 2 * HOUR;

/**
 * Flies a cluster in which the owner works a unit, all store that, and the member's platform has
 * signed. Returns it with the owner's intent as it was on the air.
 */
function worked(): { cluster: TestCluster; started: Intent } {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], signs: true });
  let started: Intent | undefined;
  cluster.jam = () => {
    for (const message of openedFrame(cluster.onAir()).messages)
      if (message.name === 'intent' && message.owner === owner && message.state === INTENT_STATE.started)
        started = message;
    return false;
  };
  cluster.runTo(beginS - 60);
  assign(cluster, owner, beginS, beginS + DAY);
  cluster.runTo(beginS + HOUR);
  cluster.inject(member, BYZANTINE, [{ ...started!, owner: member, slot: 3 }]);
  cluster.runTo(beginS + HOUR + 120);
  assert.is(cluster.nodes[owner].own(0).running, 1);
  assert.is(cluster.nodes[member].intent(owner, 0)?.state, INTENT_STATE.started);
  return { cluster, started: started! };
}

/** Whether the member stores a version that changes the owner's started work so. */
function isStored(cluster: TestCluster, started: Intent, changes: Partial<Intent>): boolean {
  const forged = { ...started, version: started.version + 1, publishedS: Math.floor(cluster.nowMs / 1000), ...changes };
  cluster.inject(member, owner, [forged]);
  return cluster.nodes[member].intent(owner, 0)?.version === forged.version;
}

const forgeries: [string, (started: Intent) => Partial<Intent>][] = [
  ['ends it', () => ({ state: INTENT_STATE.withdrawn })],
  ['makes it a claim again', () => ({ state: INTENT_STATE.claimed })],
  ['moves it to another unit', ({ resource }) => ({ resource: resource + 1 })],
  ['lets it end earlier', ({ endS }) => ({ endS: endS - HOUR })],
  ['lets it start later', ({ endS }) => ({ startS: endS - HOUR })],
];

for (const [name, changes] of forgeries) {
  releases(`SEC-5 holds: a version that ${name} is refused without the owner’s statement`, () => {
    const { cluster, started } = worked();
    const before = cluster.nodes[member].lossCount(COUNTER.intentUnsigned);
    assert.is(isStored(cluster, started, changes(started)), false);
    assert.is(cluster.nodes[member].lossCount(COUNTER.intentUnsigned), before + 1);
  });
}

releases('SEC-5 holds: a version that releases nothing is stored without a statement', () => {
  const { cluster, started } = worked();
  assert.is(isStored(cluster, started, { rate: started.rate - 1 }), true);
});

releases.run();
