import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CYCLE_S, type Group } from '../../host/cbor/generated.ts';
import { smallWorld, TestCluster } from './cluster.ts';

/** A TDMA slot: 240 of them in a cycle, ms. */
const slotMs = (CYCLE_S * 1000) / 240;
const bytesPerMs = 35 / 8;
/** Clocks of the cluster differ by this at most, ms. */
const clockMs = 2;
const HOUR = 3600;

const lots: Group[] = smallWorld;

/** Frames of a busy cluster that begin or end outside their senders' TDMA slots. */
function outside(nodes: number, hours: number): { frames: number; outside: string[] } {
  const cluster = new TestCluster({ nodes, groups: lots, signs: true });
  const found: string[] = [];
  let seen: Uint8Array | null = null;
  cluster.jam = (sender) => {
    const bytes = cluster.onAir();
    if (bytes === seen) return false;
    seen = bytes;
    const airMs = Math.floor(bytes.length / bytesPerMs);
    const beginMs = (cluster.nowMs - airMs) % (CYCLE_S * 1000);
    const early = sender * slotMs - beginMs;
    const late = beginMs + airMs - (sender + 1) * slotMs;
    if (early > clockMs || late > clockMs) found.push(`node ${sender}: ${beginMs} ms, ${bytes.length} bytes`);
    return false;
  };
  // Reports of the platform, in the middle of cycles and TDMA slots, cause messages.
  for (let atS = 0; atS < hours * HOUR; atS += 97) {
    cluster.runTo(atS + ((atS * 13) % 1000) / 1000);
    const node = (atS / 97) % nodes;
    cluster.observe(node, { name: 'assay', group: 1, unit: 0, capacity: 1500 + (atS % 500) });
  }
  return { frames: cluster.frames, outside: found };
}

const tdma = suite('TDMA slots');

tdma('no frame of a cluster with known clocks leaves outside the TDMA slot of its sender', () => {
  const { frames, outside: found } = outside(9, 3);
  assert.ok(frames > 3000, `${frames} frames`);
  assert.equal(found, []);
});

tdma.run();
