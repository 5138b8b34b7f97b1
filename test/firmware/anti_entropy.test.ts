// Which differences between two stores are followed (FLT-3).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { STATUS } from '../../host/cbor/generated.ts';
import { openedFrame } from '../security/sealed.ts';
import { TestCluster } from './cluster.ts';

const HOUR = 3600;
const digestCount = 16;
/** Differing ranges that one exchange follows. */
const followedMax = 4;
/**
 * Time between two exchanges: the node begins with another range every 20 s. Answers to probes go
 * first.
 */
const exchangeEveryS = 11 * 20;

/**
 * Gives node 0 the same digests of all ranges in several exchanges, all of them false, so that no
 * exchange resolves anything. Returns the first owners of the ranges that it follows in each.
 */
function followed(exchanges: number): number[][] {
  const cluster = new TestCluster({ nodes: 80, features: 0, preset: 'flight' });
  const span = 80 / digestCount;
  const seen: number[][] = [];
  cluster.runTo(HOUR);
  cluster.jam = (sender, receiver) => {
    if (sender !== 0 || receiver !== 1) return false;
    for (const message of openedFrame(cluster.onAir()).messages)
      if (message.name === 'sync-digest' && message.span === 1) seen.at(-1)?.push(message.first);
    return false;
  };
  for (let exchange = 0; exchange < exchanges; exchange++) {
    seen.push([]);
    const digests = Array.from({ length: digestCount }, (_, range) => 1000 + range);
    assert.is(cluster.inject(0, 1, [{ name: 'sync-digest', first: 0, span, digests }]), STATUS.ok);
    cluster.runTo(HOUR + (exchange + 1) * exchangeEveryS);
  }
  return seen;
}

test('FLT-3 holds: ranges that stay different do not keep later ones from being repaired', () => {
  const seen = followed(8);
  for (const firsts of seen) assert.ok(firsts.length > 0 && firsts.length <= followedMax, JSON.stringify(seen));
  assert.is(new Set(seen.flat()).size, digestCount, JSON.stringify(seen));
});

test.run();
