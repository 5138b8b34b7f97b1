// What docs/results says of fault injection is what the campaigns' own records say.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { rootFolder } from '../../host/build/root.ts';
import { criteria } from '../../hwsim/check/convergence/convergence.ts';
import { fleetPageOf } from '../../hwsim/cli/fleet/page.ts';
import type { SimVerdict } from '../../hwsim/report/verdict.ts';

const read = (name: string) => readFileSync(join(rootFolder, 'docs/results', name), 'utf8');
const text = read('injection.md');
const figure = (count: number) => count.toLocaleString('en-US');

type Outcomes = Record<string, number>;
interface Campaign {
  target: string;
  models: string[];
  firmware: string;
  n: number;
  outcomes: Outcomes;
  unprotected: { n: number; outcomes: Outcomes };
}

/** Cells of the first table row that begins with these. */
function row(...begin: string[]): string[] {
  const start = `| ${begin.join(' | ')} |`;
  const line = text.split('\n').find((candidate) => candidate.startsWith(start));
  if (line === undefined) throw new Error(`docs/results/injection.md has no row '${start}'`);
  return line
    .slice(start.length)
    .split('|')
    .slice(0, -1)
    .map((cell) => cell.trim());
}

test('the long campaign: outcome by outcome, and the figures drawn from them', () => {
  const campaign = JSON.parse(read('injection.json'));
  for (const outcome of Object.keys(campaign.outcomes))
    assert.equal(
      row(outcome),
      [figure(campaign.outcomes[outcome]), figure(campaign.unprotected.outcomes[outcome])],
      outcome,
    );
  assert.equal(row('n'), [figure(campaign.n), figure(campaign.unprotected.n)]);
  assert.is(
    Object.values<number>(campaign.outcomes).reduce((sum, count) => sum + count),
    campaign.n,
  );
  const { overhead } = campaign;
  const said = [
    `${figure(Math.round(campaign.sdcReduction))}×`,
    `${overhead.instructionRatio.toFixed(2)} ×`,
    `${overhead.instructionRatioScrubbed.toFixed(2)} ×`,
    `${overhead.contextBytesRatio.toFixed(3)} ×`,
    `${Math.round(campaign.injectionsPerSPerJob)} injections per second and processor`,
    campaign.firmware.slice(0, 16),
  ];
  for (const words of said) assert.ok(text.includes(words), words);
});

test('fleets: the page is what the command makes of the stored results', () => {
  const folder = join(rootFolder, 'docs/results');
  const files = readdirSync(folder).filter((name) => /^fleet-.*\.json$/.test(name));
  assert.ok(files.length > 1);
  assert.is(read('fleet.md'), `${fleetPageOf(files.sort().map((name) => join(folder, name)))}\n`);
});

test('campaigns on boards: row by row', () => {
  const campaigns: Campaign[] = JSON.parse(read('injection-boards.json'));
  assert.ok(campaigns.length >= 6);
  for (const { target, models, firmware, n, outcomes, unprotected } of campaigns) {
    const name = `${target} ${models.length > 1 ? 'memory' : models[0]}`;
    for (const [image, o, of] of [
      ['protected', outcomes, n],
      ['bare', unprotected.outcomes, unprotected.n],
    ] as const) {
      const cells = [
        of,
        o.masked + o['masked-latent'],
        o.corrected,
        o['detected-and-recovered'],
        o.late,
        o.crash,
        o.hang,
      ];
      const silent = [o['fail-silent'], o['SDC-local'], o['SDC-propagated']];
      assert.equal(row(name, image), [...cells, ...silent].map(figure), `${name}, ${image}`);
    }
    assert.ok(text.includes(firmware.slice(0, 16)), `${name}: image ${firmware.slice(0, 16)}`);
  }
});

test('the solar event: seed by seed', () => {
  for (const { seed, traceHash, lostKg, slasKept, checksHold, radiation: r } of JSON.parse(read('storm-s5.json'))) {
    const counts = [
      r.upsets,
      r.corrected,
      r.dropped,
      r.breaks,
      r.framesDeparted,
      r.decisionsDeparted + r.eventsDeparted,
    ];
    assert.equal(row(String(seed)), [...counts.map(figure), figure(Math.round(lostKg)), traceHash], `seed ${seed}`);
    assert.ok(slasKept && checksHold, `seed ${seed}`);
  }
});

test('cluster-neo: seed by seed', () => {
  const lines = read('cluster-neo.jsonl').trim().split('\n');
  const page = read('cluster-neo.md');
  for (const verdict of lines.map((line) => JSON.parse(line) as SimVerdict)) {
    const { seed, disruptions, checks, production, traceHash, firmware } = verdict;
    const count = (result: string) => disruptions.filter(({ sla }) => sla === result).length;
    const slowest = (isOfClass: (name: string) => boolean) => {
      const judged = disruptions.filter((row) => row.sla !== 'void' && isOfClass(row.class));
      const minutes = judged.map(({ convergedS, onsetS }) => ((convergedS ?? Number.POSITIVE_INFINITY) - onsetS) / 60);
      return Math.max(...minutes).toFixed(1);
    };
    const heldUp = criteria.map((name) => disruptions.reduce((sum, row) => sum + row.heldUpBy[name], 0) / 60);
    const lostKg = disruptions.reduce((sum, row) => sum + (row.lostKg ?? 0), 0);
    const cells = [
      ...[seed, count('kept'), count('breached'), count('not measured')],
      ...[slowest((name) => name === 'node'), slowest((name) => name !== 'node')],
      ...heldUp.map((minutes) => minutes.toFixed(0)),
      ((100 * production.actualKg) / (production.achievableKg ?? 0)).toFixed(1),
      ...[figure(Math.round(lostKg)), verdict.membership.falseDeaths],
      checks.flatMap(({ id, ok }) => (ok ? [] : [id])).join(' ') || 'none',
      traceHash,
    ];
    assert.ok(page.includes(`| ${cells.join(' | ')} |`), `the page lacks: | ${cells.join(' | ')} |`);
    assert.ok(page.includes(firmware.sha256.slice(0, 16)), `image ${firmware.sha256.slice(0, 16)}`);
  }
  assert.is(page.match(/^\| \d/gm)?.length, lines.length);
});

test('what protection costs on the m7 is what the table of instructions says', () => {
  const { protection } = JSON.parse(read('cycles.json'));
  const { ratioUnscrubbed, scrubbingShare } = protection.find(({ target }: { target: string }) => target === 'm7');
  assert.ok(text.includes(`${ratioUnscrubbed.toFixed(2)} ×`), `${ratioUnscrubbed}`);
  assert.ok(text.includes(`${(scrubbingShare * 100).toPrecision(2)} %`), `${scrubbingShare}`);
});

test.run();
