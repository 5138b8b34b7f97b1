import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { againLine, quoted } from '../../host/cli/again.ts';
import { addSimulatorCommands } from '../../hwsim/cli/commands.ts';
import { inFolder } from '../host/support.ts';
import { type Ended, run, runWith, shell } from './run.ts';

const hashOf = ({ stdout, stderr }: Ended) => /^trace hash {2}(\w+)$/m.exec(stdout)?.[1] ?? assert.unreachable(stderr);
const againOf = ({ stdout }: Ended) => /^again +npx (heliograph .*)$/m.exec(stdout)![1];

const catalogue = 'full_name,H,a,e,i\n(1) Mine,20,1.2,0.1,3\n';

test('the command under `again` flies the same run: file, catalogue, body, image and engine', () =>
  inFolder((folder) => {
    const odd = join(folder, "o'er the $HOME");
    mkdirSync(odd);
    runWith({ cwd: odd }, 'scenario', 'new', 'my own.yaml', '--from', 'quiet');
    writeFileSync(join(odd, 'my bodies.csv'), catalogue);
    const bodies = ['--bodies', './my bodies.csv', '--body', 'Mine'];
    const args = ['sim', './my own.yaml', '--days', '0.05', '--nodes', '4', ...bodies, '--image', 'fleet'];
    const first = runWith({ cwd: odd }, ...args, '--engine', 'v8', '--out', 'recorded');
    const again = againOf(first);
    assert.is(
      again,
      "heliograph sim './my own.yaml' --seed 1 --days 0.05 --nodes 4 --engine v8 --body Mine " +
        "--bodies './my bodies.csv' --image fleet",
    );
    const second = shell(again, odd);
    assert.is(hashOf(second), hashOf(first));
    // The catalogue's body and the image change no event of so short a flight, but they stand in
    // the verdict.
    for (const { stdout } of [first, second]) assert.match(stdout, /on \(1\) Mine\n/);
    const recorded = (name: string) => JSON.parse(readFileSync(join(odd, name, 'verdict.json'), 'utf8'));
    shell(`${again} --out second`, odd);
    for (const name of ['firmware', 'image', 'body', 'decisionHash'])
      assert.equal(recorded('second')[name], recorded('recorded')[name], name);
  }));

test('the command under `again` flies the same run: upsets, scaled, on the unprotected image', () => {
  const flags = ['--days', '0.02', '--nodes', '4', '--seed', '5', '--upset-scale', '300', '--unprotected'];
  const first = run('sim', 'storm-s5', ...flags);
  assert.is(hashOf(shell(againOf(first))), hashOf(first));
});

test('the command under `again` of a swarm flies the failed seed', () => {
  const first = run('swarm', '--seeds', '1', '--from', '6', '--json');
  const { failures } = JSON.parse(first.stdout);
  if (failures.length === 0) return;
  const [{ seed, traceHash, again }] = failures;
  const second = JSON.parse(shell(`${again} --json`).stdout);
  assert.equal([second.failures[0].seed, second.failures[0].traceHash], [seed, traceHash]);
});

/** The line that a command builds of its own arguments. */
async function lineOf(args: string[], changes?: Parameters<typeof againLine>[1]): Promise<string> {
  const program = new Command('heliograph');
  addSimulatorCommands(program, program.command('board'));
  let line = '';
  const watch = (command: Command) => {
    for (const child of command.commands) {
      child.action((...given) => {
        line = againLine(given.at(-1), changes);
      });
      watch(child);
    }
  };
  watch(program);
  await program.parseAsync(args, { from: 'user' });
  return line;
}

test('every option that was given and matters is repeated; changes replace, add and leave out', async () => {
  assert.is(
    await lineOf(['board', 'trace', 'm4', 'rv32', '--inputs', '50', '--json', '--out', 'x.json']),
    'npx heliograph board trace m4 rv32 --inputs 50',
  );
  assert.is(
    await lineOf(['inject', '--n', '50', '--jobs', '2', '--target', 'm7'], { n: null, only: 17, seed: 1 }),
    'npx heliograph inject --target m7 --seed 1 --only 17',
  );
  assert.is(
    await lineOf(['bench', 'cycles', '--target', 'm7', 'm4', '--worst']),
    'npx heliograph bench cycles --target m7 --target m4 --worst',
  );
});

test('a word is quoted when a shell would read it as something else', () => {
  for (const word of ['quiet', './a-b_c.yaml', '1e-8', 'm7,m4']) assert.is(quoted(word), word);
  for (const word of ['a b', "it's", '$HOME', '(433) Eros', '`x`', '*', '', '"', '\\', '~', 'a;b', '#a'])
    assert.is(shell(`printf %s ${quoted(word)}`).stdout, word);
});

test.run();
