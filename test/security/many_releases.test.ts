// SEC-5, CVG-1: more owners release their units at once than the ring of statements has entries.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { INTENT_STATE, WORK_KIND, WORK_STATUS } from '../../host/cbor/generated.ts';
import { firmwareConstants } from '../../hwsim/emulator/memory_map.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { DAY, HOUR, lot } from '../firmware/driven.ts';

const nodes = 22;
const owners = Array.from({ length: nodes - 2 }, (_, node) => node);
const work = { kind: WORK_KIND.mine, durationS: 0, rate: 10, priority: 1 };

test('CVG-1 holds: twenty owners release their units at once, and all store it with their first statements', () => {
  assert.ok(owners.length > 2 * firmwareConstants('flight').get('STATEMENTS_MAX')!);
  const group = { ...lot, units: nodes };
  const cluster = new TestCluster({ nodes, features: 0, groups: [group], signs: true });
  cluster.runTo(HOUR);
  for (const node of owners)
    cluster.observe(node, {
      name: 'assign',
      slot: 0,
      ...work,
      resource: (group.group << 16) | (node + 1),
      startS: HOUR,
      endS: HOUR + DAY,
    });
  cluster.runTo(2 * HOUR);
  const states = () =>
    owners.flatMap((owner) => cluster.nodes.map((node) => node.intent(owner, 0)?.state ?? INTENT_STATE.withdrawn));
  assert.equal(new Set(states()), new Set([INTENT_STATE.started]), 'all work, and all know it');
  for (const node of owners)
    cluster.observe(node, { name: 'progress', slot: 0, status: WORK_STATUS.failed, movedKg: 0 });
  cluster.runTo(2 * HOUR + 75);
  assert.equal(new Set(states()), new Set([INTENT_STATE.withdrawn]));
});

test.run();
