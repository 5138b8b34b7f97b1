import { Command, type Option } from 'commander';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addBoardCommands } from '../../host/cli/board/commands.ts';
import { addDecodeCommand } from '../../host/cli/decode/commands.ts';
import { addKeysCommands } from '../../host/cli/keys/commands.ts';
import { addNodeCommand } from '../../host/cli/node/commands.ts';
import { columnsMax } from '../../host/cli/output.ts';
import { addSimulatorCommands, placeInWorld } from '../../hwsim/cli/commands.ts';
import { run } from './run.ts';

/** Paths of all commands, from the declarations. */
function commandsBelow(command: Command, path: string[] = []): { path: string[]; command: Command }[] {
  const children = command.commands.map((child) => ({ path: [...path, child.name()], command: child }));
  return children.flatMap((child) => [child, ...commandsBelow(child.command, child.path)]);
}

const program = new Command('heliograph');
addSimulatorCommands(program, addBoardCommands(program));
addNodeCommand(program, placeInWorld);
addDecodeCommand(program);
addKeysCommands(program);
const commands = commandsBelow(program);
const acting = commands.filter(({ command }) => command.commands.length === 0);

test('every command explains itself with examples, in at most 100 columns', () => {
  assert.ok(acting.length >= 20);
  for (const { path, command } of commands) {
    const { status, stdout } = run(...path, '--help');
    assert.is(status, 0, path.join(' '));
    assert.equal(
      stdout.split('\n').filter((line) => line.length > columnsMax),
      [],
    );
    if (command.commands.length === 0) assert.match(stdout, /Examples:\n {2}npx heliograph/, path.join(' '));
  }
  assert.match(run('--help').stdout, /Exit codes: 0 /);
});

/** The option of that flag, of every command that has it. */
function optionsNamed(flag: string): Option[] {
  return commands.flatMap(({ command }) => command.options.filter(({ long }) => long === flag));
}

test('--seed, --resume, --engine and --jobs mean the same everywhere', () => {
  for (const flag of ['--seed', '--resume', '--engine']) {
    const meanings = new Set(optionsNamed(flag).map(({ flags, description }) => `${flags} ${description}`));
    assert.is(meanings.size, 1, [...meanings].join('\n'));
  }
  assert.is(optionsNamed('--seed')[0].description, 'random seed');
  const jobs = new Set(optionsNamed('--jobs').map(({ flags, defaultValue }) => `${flags} ${defaultValue}`));
  assert.is(jobs.size, 1);
});

test('every command that gives a result can print it as JSON', () => {
  const without = acting.filter(({ command }) => !command.options.some(({ long }) => long === '--json'));
  // One prints a command, or passes on what OpenOCD prints; the others print pages.
  assert.equal(
    without.map(({ path }) => path.join(' ')),
    ['board flash', 'convergence page', 'fleet accept', 'fleet page'],
  );
});

test('every campaign has --jobs, --out and --resume', () => {
  for (const name of ['swarm', 'deaths', 'convergence', 'inject']) {
    const { options } = commands.find(({ path }) => path.join(' ') === name)!.command;
    const flags = options.map(({ long }) => long);
    for (const flag of ['--jobs', '--out', '--resume']) assert.ok(flags.includes(flag), `${name} ${flag}`);
  }
});

test.run();
