// A flight of a fleet that is killed goes on from its checkpoint.
import { spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { FleetResult } from '../../hwsim/federation/report.ts';
import { command, run } from './run.ts';

const flight = ['--nodes', '150', '--days', '0.25', '--seed', '5', '--image', 'fleet'];
const often = ['--checkpoint-every', '0.005'];
const outcomeOf = (text: string) => {
  const { traceHash, decisionHash, sla, production, radio, known, checks } = JSON.parse(text) as FleetResult;
  return { traceHash, decisionHash, sla, production, radio, known, checks };
};

const headOf = (out: string) => JSON.parse(readFileSync(join(out, 'checkpoint.json'), 'utf8')).checkpoint;

/** Flies in a process of its own, and kills it when a checkpoint is whole that is not its begin. */
async function killAtCheckpoint(folder: string): Promise<void> {
  const words = ['fleet', ...flight, ...often, '--threads', '2', '--out', folder];
  const child = spawn(process.execPath, [command, ...words], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const hasFlown = () => existsSync(join(folder, 'checkpoint.json')) && headOf(folder).progress.nodeDays > 0;
  while (child.exitCode === null && !hasFlown()) await sleep(5);
  child.kill('SIGKILL');
  assert.is(await ended, 'SIGKILL', 'it ended before its first checkpoint');
}

const folder = mkdtempSync(join(tmpdir(), 'heliograph-resume-'));
const killed = join(folder, 'killed');
const statesOf = (out: string) => readdirSync(out).filter((name) => /^checkpoint\.\d+$/.test(name));

test('SIM-1 holds: fleet --resume after kill -9, in other threads, ends as a flight that was not killed', async () => {
  await killAtCheckpoint(killed);
  assert.is(readFileSync(join(killed, 'fleet.json'), 'utf8'), '');
  const out = join(folder, 'resumed');
  cpSync(killed, out, { recursive: true });
  const { progress } = headOf(out);
  assert.ok(progress.nodeDays > 0 && progress.nodeDays < 150 * 0.25, `${progress.nodeDays}`);
  const whole = run('fleet', ...flight, '--json');
  assert.is(whole.status, 0, whole.stderr);
  const resumed = run('fleet', '--resume', '--out', out, '--threads', '1', '--json');
  assert.is(resumed.status, 0, resumed.stderr);
  assert.equal(outcomeOf(resumed.stdout), outcomeOf(whole.stdout));
  assert.equal(outcomeOf(readFileSync(join(out, 'fleet.json'), 'utf8')), outcomeOf(whole.stdout));
  const left = ['clusters.jsonl', 'fleet.json'];
  assert.equal(readdirSync(out).sort(), left, 'a flight that has ended needs no checkpoint');
});

test('fleet --resume refuses a checkpoint that is missing, damaged, cut short or foreign, and keeps it', () => {
  /** Resumes after `harm` to a copy of the folder. */
  const refused = (status: number, text: RegExp, harm: (out: string) => void, ...words: string[]) => {
    const out = mkdtempSync(join(folder, 'refused-'));
    cpSync(killed, out, { recursive: true });
    harm(out);
    const before = readdirSync(out).sort();
    const ended = run('fleet', '--resume', '--out', out, ...words);
    assert.is(ended.status, status, ended.stderr);
    assert.match(ended.stderr, text);
    assert.equal(readdirSync(out).sort(), before);
  };
  const inPart = (change: (bytes: Buffer) => Buffer) => (out: string) => {
    const { states } = headOf(out);
    const path = join(out, states[0].file);
    writeFileSync(path, change(readFileSync(path)));
  };
  const head = (out: string) => join(out, 'checkpoint.json');
  const inHead = (change: (text: string) => string) => (out: string) =>
    writeFileSync(head(out), change(readFileSync(head(out), 'utf8')));
  const nothing = () => {};
  refused(3, /checkpoint\.json: is missing: there is nothing to resume; begin anew/, (out) => rmSync(head(out)));
  refused(
    3,
    /checkpoint\.json: is damaged.*begin anew/,
    inHead((text) => text.slice(0, 200)),
  );
  refused(
    3,
    /checkpoint\.json: is damaged/,
    inHead((text) => text.replace('"seed":5', '"seed":6')),
  );
  refused(
    3,
    /checkpoint\.json: is damaged/,
    inHead(() => '{}'),
  );
  refused(3, /--seed was 5, and is 6; go on with the former, or begin anew/, nothing, '--seed', '6');
  refused(3, /--image was fleet, and is flight/, nothing, '--image', 'flight');
  refused(
    3,
    /\d\.part: is cut short; begin anew/,
    inPart((bytes) => bytes.subarray(0, 1000)),
  );
  const flipped = (bytes: Buffer) => {
    bytes[500] ^= 1;
    return bytes;
  };
  refused(3, /\d\.part: is damaged/, inPart(flipped));
  refused(3, /\/results: no such file/, (out) => {
    for (const name of statesOf(out)) for (const file of readdirSync(join(out, name))) rmSync(join(out, name, file));
  });
  const alone = run('fleet', '--resume');
  assert.is(alone.status, 2);
  assert.match(alone.stderr, /--resume: add --out/);
  const anew = run('fleet', ...flight, '--out', killed);
  assert.is(anew.status, 2);
  assert.match(anew.stderr, /add --resume to go on from its checkpoint, or name a new folder/);
});

test('fleet ends with 4 on a full disk, and the checkpoint before stays whole', () => {
  if (!existsSync('/dev/full')) return;
  const out = join(folder, 'full');
  cpSync(killed, out, { recursive: true });
  const { number } = headOf(out);
  const next = join(out, `checkpoint.${number + 1}`);
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next);
  symlinkSync('/dev/full', join(next, '0.part'));
  const before = readFileSync(join(out, 'checkpoint.json'), 'utf8');
  const ended = run('fleet', '--resume', '--out', out, ...often);
  assert.is(ended.status, 4, ended.stderr);
  assert.match(ended.stderr, /0\.part: the checkpoint cannot be written: the disk is full: .*go on with --resume/);
  assert.is(readFileSync(join(out, 'checkpoint.json'), 'utf8'), before);
  for (const { file } of headOf(out).states) assert.ok(existsSync(join(out, file)));
});

test.after(() => rmSync(folder, { recursive: true, force: true }));

test.run();
