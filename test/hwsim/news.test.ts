import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Contact, contactPlan } from '../../hwsim/world/orbits/contact_plan.ts';
import { dayMs } from '../../hwsim/world/orbits/kepler.ts';
import { News } from '../../hwsim/world/orbits/news.ts';
import { layPlaces } from '../../hwsim/world/orbits/places.ts';

const contact = (a: number, b: number, beginMs: number): Contact => ({
  a,
  b,
  beginMs,
  endMs: beginMs + 10,
  lightTimeMs: 5,
  bitsPerS: 1,
});

function timesOf(clusters: readonly number[], contacts: readonly Contact[], untilMs: number) {
  const news = new News(clusters, 0);
  for (const each of contacts) news.take(each);
  return news.times(untilMs);
}

test('two clusters: news waits for the next contact, then for its arrival', () => {
  const contacts = [100, 200, 300].map((beginMs) => contact(0, 1, beginMs));
  // News of instant 101 arrives at 215, that of instant 200 too: 15 to 115 ms.
  assert.equal(timesOf([0, 1], contacts, 315), { p50Ms: 65, maxMs: 115 });
  assert.equal(timesOf([0, 1], contacts, 900), { p50Ms: 65, maxMs: 600 });
  assert.is(timesOf([0, 1], [], 900), null);
  assert.equal(timesOf([4], [], 900), { p50Ms: 0, maxMs: 0 });
});

test('news passes on what has arrived when a contact begins, and not what is still on its way', () => {
  const [late, early] = [114, 115].map((beginMs) =>
    timesOf([0, 1, 2], [contact(0, 1, 100), contact(1, 2, beginMs), contact(0, 1, 140)], 155),
  );
  // Only with 115 does 2 hear of 0; 0 hears of 2 by the third contact.
  assert.is(late, null);
  assert.equal(early, { p50Ms: 105, maxMs: 155 });
});

/** Floods the news of one cluster and instant; returns when the last of the clusters has it. */
function arrivalOf(clusters: readonly number[], contacts: readonly Contact[], source: number, atMs: number): number {
  const heard = new Map(clusters.map((cluster) => [cluster, cluster === source ? atMs : Number.POSITIVE_INFINITY]));
  for (const { a, b, beginMs, endMs, lightTimeMs } of contacts) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      if (!heard.has(from) || !heard.has(to) || heard.get(from)! > beginMs) continue;
      heard.set(to, Math.min(heard.get(to)!, endMs + lightTimeMs));
    }
  }
  return Math.max(...heard.values());
}

test('the times of a real plan are those of flooding from each cluster at each instant', () => {
  const places = layPlaces({ seed: 4, clusters: 16 });
  const contacts = [...contactPlan(places, { fromMs: 0, untilMs: dayMs })];
  const stepMs = 397_000;
  for (const clusters of [places.regions[2].clusters, places.clusters.map((_, cluster) => cluster)]) {
    const times = timesOf(clusters, contacts, dayMs)!;
    const slowest: number[] = [];
    for (let atMs = 1; atMs < dayMs; atMs += stepMs) {
      const last = Math.max(...clusters.map((source) => arrivalOf(clusters, contacts, source, atMs)));
      if (last <= dayMs) slowest.push(last - atMs);
    }
    slowest.sort((one, other) => one - other);
    assert.ok(slowest.length > 150);
    const median = slowest[slowest.length >> 1];
    assert.ok(Math.abs(times.p50Ms - median) < stepMs, `${times.p50Ms}, flooded ${median}`);
    const most = slowest.at(-1)!;
    assert.ok(times.maxMs >= most && times.maxMs < most + stepMs, `${times.maxMs}, flooded ${most}`);
  }
});

test.run();
