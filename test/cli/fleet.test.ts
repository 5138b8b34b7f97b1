import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { columnsMax } from '../../host/cli/output.ts';
import { costLine, imagesLine } from '../../hwsim/cli/fleet/page.ts';
import { parseOutcomes } from '../../hwsim/federation/kernels.ts';
import type { FleetResult } from '../../hwsim/federation/report.ts';
import { inFolder } from '../host/support.ts';
import { run } from './run.ts';

const args = ['fleet', '--nodes', '50', '--days', '0.01', '--seed', '5', '--image', 'fleet'];

test('fleet prints classes, checks, cost and the command that reproduces it; --out keeps the result', () => {
  inFolder((folder) => {
    const out = join(folder, 'new');
    const { status, stdout, stderr } = run(...args, '--out', out);
    assert.is(status, 0, stderr);
    assert.match(stdout, /^fleet {7}50 nodes in 1 cluster of 1 region, 0.01 days, seed 5, image fleet\n/);
    assert.match(stdout, /^cross-cluster +0 +– +– +– +not measured$/m);
    assert.match(stdout, /^known +not measured/m);
    assert.match(stdout, /^not built +splits, merges/m);
    assert.match(stdout, /\nagain {7}npx heliograph fleet --nodes 50 --days 0.01 --seed 5 --image fleet\n$/);
    assert.equal(
      stdout.split('\n').filter((line) => line.length > columnsMax),
      [],
    );
    const result: FleetResult = JSON.parse(readFileSync(join(out, 'fleet.json'), 'utf8'));
    assert.match(stdout, new RegExp(`^trace hash +${result.traceHash}$`, 'm'));
    const { nodes, clusters, regions, splits, merges, sla, production, checks } = result;
    assert.equal([nodes, clusters, regions, splits, merges], [50, 1, 1, 0, 0]);
    assert.equal(sla.crossCluster, { n: 0, p50S: null, p99S: null, maxS: null, breaches: 0 });
    assert.ok(production.boundGap! >= 0 && production.boundGap! <= 0.02, `${production.boundGap}`);
    assert.is(production.boundGapMax, production.boundGap, 'there is one cluster');
    const [outcome] = parseOutcomes(readFileSync(join(out, 'clusters.jsonl'), 'utf8'), 'clusters.jsonl');
    assert.equal([outcome.nodes, outcome.days, outcome.seed, outcome.image], [50, 0.01, 5, result.firmware.sha256]);
    const page = run('fleet', 'page', join(out, 'fleet.json'));
    assert.is(page.status, 0, page.stderr);
    assert.match(page.stdout, new RegExp(`^\\| 50 \\| fleet \\| 0.01 .*\\| ${result.traceHash} \\|`, 'm'));
    assert.not.match(page.stdout, /cross-cluster/, 'nothing was judged');
    assert.ok(checks.length > 5 && checks.every(({ id }) => id !== 'FLT-1-known-clusters'), 'nobody is to know');
    const again = run(...args, '--out', out);
    assert.is(again.status, 2);
    assert.match(again.stderr, /--out .*new: is not empty; name a new folder/);
  });
});

test('fleet --rung statistical has the fields of the other rung, and one hash for any number of threads', () => {
  inFolder((folder) => {
    const words = ['fleet', '--nodes', '300', '--days', '2', '--seed', '5', '--rung', 'statistical'];
    const out = join(folder, 'modelled');
    const { status, stdout, stderr } = run(...words, '--threads', '2', '--out', out);
    assert.is(status, 0, stderr);
    assert.match(stdout, /statistical rung: no node flew\n/);
    assert.match(stdout, /^drawn from +\d+ clusters of /m);
    assert.match(stdout, /\nagain {7}npx heliograph fleet --nodes 300 --days 2 --seed 5 --rung statistical\n$/);
    assert.is(existsSync(join(out, 'clusters.jsonl')), false, 'what was drawn is no outcome of firmware');
    const kept: FleetResult = JSON.parse(readFileSync(join(out, 'fleet.json'), 'utf8'));
    const result: FleetResult = JSON.parse(run(...words, '--threads', '1', '--json').stdout);
    assert.equal([result.traceHash, result.rung], [kept.traceHash, 'statistical']);
  });
});

test('fleet names the option that is wrong, and what it may be', () => {
  const refused = (words: string[], status: number, text: RegExp) => {
    const ended = run('fleet', ...words);
    assert.is(ended.status, status, ended.stderr);
    assert.match(ended.stderr, text);
  };
  refused(['--nodes', '49'], 2, /--nodes is '49', not a whole number from 50 to 1000000/);
  refused(['--nodes', '60001'], 2, /60000 nodes fly at most; larger fleets need --rung statistical/);
  const model = ['--rung', 'statistical'];
  refused(['--rung', 'guessed'], 2, /--rung/);
  refused([...model, '--image', 'flight'], 2, /--image: the statistical rung draws from the fleet image/);
  refused([...model, '--resume', '--out', 'x'], 2, /--resume: the statistical rung makes no checkpoints/);
  refused([...model, '--checkpoint-every', '3'], 2, /--checkpoint-every/);
  refused(['accept', 'nowhere'], 3, /nowhere\/clusters\.jsonl/);
  refused(['--days', '0'], 2, /--days is '0'/);
  refused(['--seed', '-1'], 2, /--seed/);
  refused(['--threads', '0'], 2, /--threads is '0', not a whole number from 1 to 256/);
  refused(['--image', 'tiny'], 2, /--image/);
  inFolder((folder) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    refused([...args.slice(1), '--out', join(file, 'below')], 4, /cannot be written: a file stands/);
    writeFileSync(file, '{"nodes":50}');
    refused(['page', file], 3, /file: is no fleet.json/);
    refused(['page', join(folder, 'missing')], 3, /missing: cannot be read/);
  });
});

const flown = (nodes: number, image: 'flight' | 'fleet', processorS: number, decisionHash: string) =>
  ({ nodes, image, processorS, decisionHash, days: 2, seed: 5, threads: 1 }) as FleetResult;

test('SIM-4 violated: a page says which flights of the two images decided differently', () => {
  const results = [flown(100, 'fleet', 10, 'a'), flown(100, 'flight', 20, 'a'), flown(300, 'fleet', 30, 'b')];
  assert.match(imagesLine(results), /: 100 nodes × 2 days equal\.$/);
  assert.match(imagesLine([...results, flown(300, 'flight', 60, 'c')]), /300 nodes × 2 days DIFFERENT\.$/);
  assert.is(imagesLine(results.slice(2)), 'Images: no flight of both.');
});

test('a page fits what a node costs over the sizes of the fleet image', () => {
  const linear = [100, 1000, 10_000].map((nodes) => flown(nodes, 'fleet', nodes * 0.05, ''));
  assert.match(
    costLine(linear),
    /^Cost per node: .* to the power 1\.000, .*\n2 days, threads: 1; .*R² 1\.0000; nodes:\n/,
  );
  assert.match(costLine(linear), /\n100, 1,000, 10,000\); from 1,000 to 10,000 nodes to the power\n1\.000\.$/);
  const longer = { ...flown(300, 'fleet', 1, ''), days: 4 };
  assert.is(costLine([longer, ...linear]), costLine(linear), 'another length is not compared');
  const square = [100, 1000].map((nodes) => flown(nodes, 'fleet', nodes * nodes, ''));
  assert.match(costLine([...square, flown(10, 'flight', 1, '')]), /to the power 2\.000,/);
  assert.match(costLine(linear.slice(1, 2)), /not fitted/);
});

test.run();
