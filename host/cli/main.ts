import { Command, CommanderError, Option } from 'commander';
import { EngineError, loadAddon } from '../engine/addon.ts';
import { defaultEngine, engineNames } from '../engine/load.ts';
import { EmulatorError } from '../../hwsim/emulator/pool.ts';
import { RadioError } from '../radio/radio.ts';
import { KeyFileError } from '../security/keyfile.ts';
import { StoreError } from '../store/store.ts';
import { addBenchCommands } from '../../hwsim/cli/bench.ts';
import { addBoardCommands } from '../../hwsim/cli/board/board.ts';
import { deaths } from '../../hwsim/cli/deaths.ts';
import { decode } from './decode.ts';
import { CommandError, exitCode, exitCodesHelp } from './exit.ts';
import { addInjectCommand } from '../../hwsim/cli/inject/inject.ts';
import { loadBody, loadScenario, positiveNumber, wholeNumber } from './input.ts';
import { addKeysCommand } from './keys.ts';
import { merge } from '../../hwsim/cli/merge.ts';
import { node } from './node.ts';
import { replay } from '../../hwsim/cli/replay.ts';
import { sim } from '../../hwsim/cli/sim.ts';
import { swarm } from '../../hwsim/cli/swarm.ts';

/** The command line: wiring only. Every command is a function in a file of its own. */
const program = new Command('heliograph')
  .description('Flight runtime for self-coordinating spacecraft fleets, and the simulator that proves it.')
  .version('0.1.0')
  .showHelpAfterError('(--help says more)')
  .addHelpText('after', exitCodesHelp)
  .exitOverride();

const presetOption = () =>
  new Option('--preset <name>', 'sizing of the firmware image').choices(['flight', 'compact', 'tiny']);
const engineOption = () =>
  new Option('--engine <name>', 'what runs the image').choices([...engineNames]).default(defaultEngine);
const examples = (...lines: string[]) => `\nExamples:\n${lines.map((line) => `  npx heliograph ${line}`).join('\n')}`;

program
  .command('sim')
  .argument(
    '<scenario>',
    'cluster-neo, isolation-30d, lossy-30pct, storm, storm-s5, quiet, mixed-hardware, byzantine-1, or a YAML file',
  )
  .option('--seed <n>', 'what is drawn, is drawn from it', wholeNumber('--seed', 0, 0xffffffff))
  .option('--days <d>', 'length of the run', positiveNumber('--days', 3660))
  .option('--nodes <n>', 'size of the cluster', wholeNumber('--nodes', 1, 200))
  .addOption(presetOption())
  .addOption(engineOption())
  .option('--body <name>', 'small body to work, by designation, number or name')
  .option('--bodies <file>', "a catalogue of bodies: JPL's small-body query as CSV or JSON, or a table of Δv")
  .option('--out <folder>', 'record the run there; the folder must be new or empty')
  .option('--json', 'print the verdict as one JSON object')
  .option(
    '--simulate-boards',
    'fly the nodes that a scenario gives to emulated boards as simulated ones: the same hash, without QEMU',
  )
  .option(
    '--upset-scale <x>',
    'of a scenario with upsets: multiply their rate by this',
    positiveNumber('--upset-scale', 1_000_000),
  )
  .addOption(
    new Option('--cipher <name>', 'of links; null: a stand-in of the same size, for large fleets').choices([
      'real',
      'null',
    ]),
  )
  .option('--uncontained', 'fly the build without bounds on what a member that lies can do, as a baseline')
  .option('--unprotected', 'fly the build without protection against upsets, as a baseline')
  .description('fly a cluster of real firmware and judge it')
  .addHelpText(
    'after',
    examples(
      'sim cluster-neo',
      'sim cluster-neo --seed 7 --json',
      'sim mixed-hardware',
      'sim storm-s5 --upset-scale 10',
      'sim storm-s5 --unprotected',
      'sim quiet --days 2 --nodes 20 --body Bennu --out runs/quiet',
      'sim ./mine.yaml --bodies sbdb_query.csv --body "(433) Eros"',
    ),
  )
  .action(sim);

program
  .command('replay')
  .argument('<folder>', 'a folder written by sim --out')
  .option('--node <n>', 'events of this node only', wholeNumber('--node', 0, 199))
  .option('--from <s>', 'from this mission second', wholeNumber('--from', 0, 0xffffffff), 0)
  .option('--to <s>', 'up to this mission second', wholeNumber('--to', 0, 0xffffffff))
  .addOption(engineOption())
  .option('--built', 'fly the image built now instead of the recorded one')
  .description('fly a recorded run again, show what happened, compare the trace hash')
  .addHelpText('after', examples('replay runs/quiet', 'replay runs/quiet --node 3 --from 86400 --to 90000'))
  .action(replay);

const scenario = program.command('scenario').description('work on scenario files');
scenario
  .command('check')
  .argument('<file>', 'a scenario in YAML, or the name of a shipped one')
  .option('--bodies <file>', "a catalogue of bodies: JPL's small-body query as CSV or JSON")
  .description('validate a scenario; errors name file, line, column, field and the next step')
  .addHelpText('after', examples('scenario check my.yaml', 'scenario check cluster-neo'))
  .action((file: string, options: { bodies?: string }) => {
    const checked = loadScenario(file);
    const body = loadBody(checked.body, options.bodies, console.error);
    const { nodes, days, disruptions } = checked;
    console.log(
      `${file}: valid: ${nodes} nodes, ${days} days on ${body.designation}, ${disruptions.length} disruptions`,
    );
  });

program
  .command('decode')
  .argument('<hex-or-file>', 'a frame or platform record: hexadecimal digits, or a file of such digits or of the bytes')
  .description('show a frame in CBOR diagnostic notation, with the names of its fields')
  .option(
    '--keys <folder-or-file>',
    "open it with the link keys found there: a fleet's or cluster's folder, an epoch's or node's file",
  )
  .option('--json', 'print one JSON object')
  .addHelpText(
    'after',
    examples(
      'decode 8218a103',
      'decode frame.bin',
      'decode --keys fleet frame.bin',
      'decode --keys fleet/cluster-7/node-3.json frame.bin',
    ),
  )
  .action(decode);

program
  .command('node')
  .description('run one node for real: the firmware image, UDP on this machine, checkpoints on disk')
  .requiredOption('--id <n>', 'index of this member, from 0', wholeNumber('--id', 0, 199))
  .requiredOption('--cluster <n>', 'number of the cluster', wholeNumber('--cluster', 0, 65535))
  .requiredOption('--members <n>', 'members of the cluster', wholeNumber('--members', 1, 200))
  .requiredOption('--radio <address>', 'udp://HOST:PORT, member i has PORT + i; or udp://HOST:PORT,HOST:PORT,…')
  .option(
    '--keys <file>',
    "the member's bundle, as heliograph keys node writes it; 'simulated': keys drawn from --seed, on one machine only",
  )
  .option(
    '--uplink <file>',
    'a bundle of epochs from the ground link: given to the node now and whenever the file changes',
  )
  .option('--time-scale <k>', 'mission seconds per second on the wall', positiveNumber('--time-scale', 10_000), 1)
  .option('--epoch <time>', 'when mission time began on the wall (default: the present day, UTC)')
  .addOption(
    new Option('--clock <source>', 'mission time from the wall, or from peers; auto: peers after a restart')
      .choices(['auto', 'wall', 'peers'])
      .default('auto'),
  )
  .option('--state <folder>', 'keep checkpoints and counters there, in node-<id>/')
  .option('--scenario <name>', 'whose world and capabilities to take', 'quiet')
  .option('--seed <n>', 'seed of world and node', wholeNumber('--seed', 0, 0xffffffff), 1)
  .addOption(presetOption().default('flight'))
  .addOption(engineOption())
  .option('--json', 'one JSON object per line instead of text')
  .addHelpText(
    'after',
    examples(
      'node --id 0 --cluster 1 --members 5 --radio udp://127.0.0.1:47000 --time-scale 60 --keys simulated',
      'node --id 3 --cluster 7 --members 5 --radio udp://127.0.0.1:47000 --state state --keys fleet/cluster-7/node-3.json',
    ),
  )
  .addHelpText(
    'after',
    '\nWith simulated keys a node binds to the loopback interface only. SIGTERM writes a checkpoint and ends.',
  )
  .action(node);

const seed = (option: string) => wholeNumber(option, 0, 0xffffffff);

program
  .command('swarm')
  .description('fly scenarios drawn from seeds; every check must hold in every one')
  .option('--seeds <n>', 'how many', seed('--seeds'), 20)
  .option('--from <s>', 'the first seed', seed('--from'), 1)
  .addOption(engineOption())
  .addHelpText('after', examples('swarm --seeds 100', 'swarm --seeds 1 --from 17'))
  .action(swarm);

program
  .command('deaths')
  .description('count false deaths at 30 % frame loss, and how long true ones take to be known')
  .option('--flights <n>', 'how many seeds to fly; 0 with --out sums up what is there', seed('--flights'), 1)
  .option('--from <s>', 'the first seed', seed('--from'), 1)
  .addOption(engineOption())
  .option('--days <d>', 'length of a flight', positiveNumber('--days', 3660), 30)
  .option('--out <file>', 'a JSON line per flight is added there; seeds in it are not flown again')
  .option('--json', 'print the summary as one JSON object')
  .addHelpText('after', examples('deaths --flights 2 --days 3', 'deaths --flights 200 --out deaths.jsonl'))
  .action(deaths);

program
  .command('merge')
  .description('measure what merging two halves costs, by how much differs between them')
  .option('--days <d>', 'how long they are apart', positiveNumber('--days', 60), 30)
  .option('--nodes <n>', 'size of the cluster', wholeNumber('--nodes', 4, 200), 100)
  .option('--seed <n>', 'what is drawn, is drawn from it', seed('--seed'), 1)
  .addOption(engineOption())
  .option('--differences <list>', 'versions published while apart', '6,12,25,50,100,200,400')
  .option('--json', 'print the curve as one JSON object')
  .addHelpText('after', examples('merge', 'merge --days 1 --nodes 40 --differences 10,40,160 --json'))
  .action(merge);

addBoardCommands(program, examples);
addBenchCommands(program, examples);
addInjectCommand(program, examples);
addKeysCommand(program, examples);

/** commander's own refusals are wrong usage; asking for help is none. */
function codeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  if (error instanceof CommandError) return error.code;
  if (error instanceof KeyFileError) return exitCode.input;
  if (error instanceof RadioError) return /cannot bind/.test(error.message) ? exitCode.environment : exitCode.usage;
  if (error instanceof StoreError || error instanceof EngineError || error instanceof EmulatorError)
    return exitCode.environment;
  return exitCode.internal;
}

function fitting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) fitting(child);
}

fitting(program);
// Before anything is written or bound: an engine that is not there stops every command alike.
program.hook('preAction', (_, command) => {
  if (command.opts().engine === 'wasmtime') loadAddon();
});
try {
  await program.parseAsync(process.argv);
} catch (error) {
  const code = codeOf(error);
  if (code === exitCode.internal) console.error(`heliograph: a fault of its own: ${(error as Error).stack ?? error}`);
  else if (!(error instanceof CommanderError)) console.error(`heliograph: ${(error as Error).message}`);
  process.exitCode = code;
}
