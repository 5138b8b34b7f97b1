// INT-5, CVG-1: agreement is collected at the begin of a round, so a majority is known soon.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestCluster } from './cluster.ts';

const HOUR = 3600;
const nodes = 40;

/** Members, of those that are live, that know a majority `seconds` after a round began. */
function knowing(cluster: TestCluster, live: number[], seconds: number): number {
  cluster.runTo(2 * HOUR + seconds);
  return live.filter((node) => cluster.nodes[node].view().quorum === 1).length;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

test('CVG-1 holds: most members know a majority half a minute after a round began, all after a minute', () => {
  const cluster = new TestCluster({ nodes, loss: 0.1 });
  const all = range(0, nodes);
  assert.is(knowing(cluster, all, 5), 0, 'none knows one at once');
  const soon = knowing(cluster, all, 32);
  assert.ok(soon > nodes * 0.8, `${soon} of ${nodes}`);
  assert.is(knowing(cluster, all, 75), nodes);
});

test('CVG-1 holds: turns pass over silent members, so two thirds of a cluster find its majority as soon', () => {
  const cluster = new TestCluster({ nodes, loss: 0.1 });
  const live = range(0, nodes).filter((node) => node % 3 !== 2);
  cluster.runTo(HOUR);
  for (const node of range(0, nodes)) if (node % 3 === 2) cluster.kill(node);
  const soon = knowing(cluster, live, 62);
  assert.ok(soon > live.length * 0.8, `${soon} of ${live.length}`);
});

test.run();
