import { availableParallelism } from 'node:os';
import { Argument, type Command, Option } from 'commander';
import type { FindPlace } from '../../host/cli/node/options.ts';
import {
  daysOption,
  engineOption,
  examples,
  jobsOption,
  jsonLinesOption,
  jsonOption,
  nodesOption,
  outFolderOption,
  outLinesOption,
  outReportOption,
  positiveOption,
  presetOption,
  resumeOption,
  seedOption,
  shareOption,
  uint32Max,
  wholeOption,
} from '../../host/cli/options.ts';
import { runDays } from '../../host/cli/run_days.ts';
import { suggest } from '../../host/cli/suggestions.ts';
import { shippedScenarios } from '../scenario/shipped.ts';
import { clustersMax, fleetNodes, modelledNodesMax } from '../world/orbits/bounds.ts';
import { addBenchCommands } from './bench/commands.ts';
import { addEmulatedBoardCommands } from './board/commands.ts';
import { chosen } from './chosen.ts';
import { addInjectCommand } from './inject/commands.ts';
import { CLUSTER_MEMBERS_MAX } from '../../host/cbor/generated.ts';

/**
 * Declares the commands that fly. Their modules, and the simulator with them, are loaded when a
 * command is chosen.
 */
export function addSimulatorCommands(program: Command, board: Command): void {
  addSim(program);
  addReplay(program);
  addScenario(program);
  addSwarm(program);
  addDeaths(program);
  addMerge(program);
  addConvergence(program);
  addInsider(program);
  addContacts(program);
  addFleet(program);
  addInjectCommand(program);
  addEmulatedBoardCommands(board);
  addBenchCommands(program);
}

/** Finds where a member of `heliograph node` stands in a scenario's world. */
export const placeInWorld: FindPlace = async (request) => (await import('./place.ts')).placeInWorld(request);

const scenarioNames = Object.keys(shippedScenarios);
const bodiesOption = () =>
  new Option('--bodies <file>', "catalogue of bodies: JPL's small-body query as CSV or JSON, or a table of Δv");
const imageOption = () =>
  new Option('--image <name>', 'fleet: decides the same without protection, cipher and CRC, for large fleets')
    .choices(['flight', 'fleet'])
    .default('flight');
const firstSeedOption = () => wholeOption('--from <s>', 'the first seed', 0, uint32Max).default(1);

function addSim(program: Command): void {
  program
    .command('sim')
    .addArgument(suggest(new Argument('<scenario>', `${scenarioNames.join(', ')}, or a YAML file`), scenarioNames))
    .addOption(seedOption())
    .addOption(daysOption())
    .addOption(nodesOption())
    .addOption(presetOption())
    .addOption(engineOption())
    .option('--body <name>', 'small body to mine, by designation, number or name')
    .addOption(bodiesOption())
    .addOption(outFolderOption())
    .addOption(jsonOption('print the verdict as one JSON object'))
    .option('--simulate-boards', 'simulate the nodes that are emulated boards: the same trace hash, without QEMU')
    .addOption(
      positiveOption('--upset-scale <x>', 'multiply the rate of upsets of a scenario that has some', 1_000_000),
    )
    .addOption(imageOption())
    .option('--uncontained', 'baseline: the image without bounds on what a Byzantine member can do')
    .option('--unprotected', 'baseline: the image without protection against upsets')
    .description('fly a cluster of real firmware and judge it')
    .addHelpText(
      'after',
      examples(
        'sim cluster-neo',
        'sim cluster-neo --seed 7 --json',
        'sim mixed-hardware',
        'sim storm-s5 --upset-scale 10',
        'sim storm-s5 --unprotected',
        'sim cluster-neo --image fleet',
        'sim quiet --days 2 --nodes 20 --body Bennu --out runs/quiet',
        'sim ./mine.yaml --bodies sbdb_query.csv --body "(433) Eros"',
      ),
    )
    .action(chosen(async () => (await import('./sim/sim.ts')).sim));
}

function addReplay(program: Command): void {
  program
    .command('replay')
    .argument('<folder>', 'a folder written by `sim --out`')
    .addOption(wholeOption('--node <n>', 'events of this node only', 0, CLUSTER_MEMBERS_MAX - 1))
    .addOption(wholeOption('--from <s>', 'from this mission second', 0, uint32Max).default(0))
    .addOption(wholeOption('--to <s>', 'up to this mission second', 0, uint32Max))
    .addOption(engineOption())
    .option('--event <name...>', 'events of these names only, also the frequent ones that are not shown otherwise')
    .option('--built', 'fly the image built now instead of the recorded one')
    .description('fly a recorded run again, show what happened, compare the trace hash')
    .addOption(jsonLinesOption())
    .addHelpText(
      'after',
      examples(
        'replay runs/quiet',
        'replay runs/quiet --node 3 --from 86400 --to 90000',
        'replay runs/quiet --event member-state',
      ),
    )
    .action(chosen(async () => (await import('./sim/replay.ts')).replay));
}

function addScenario(program: Command): void {
  const scenario = program.command('scenario').description('work on scenario files');
  scenario
    .command('check')
    .addArgument(suggest(new Argument('<file>', 'a scenario in YAML, or the name of a shipped one'), scenarioNames))
    .addOption(bodiesOption())
    .addOption(jsonOption())
    .description('validate a scenario; errors name file, line, column, field and the next step')
    .addHelpText('after', examples('scenario check my.yaml', 'scenario check cluster-neo'))
    .action(chosen(async () => (await import('./scenario/check.ts')).checkScenario));
  scenario
    .command('list')
    .addOption(jsonOption('print the scenarios as one JSON array'))
    .description('list the shipped scenarios')
    .addHelpText('after', examples('scenario list', 'scenario list --json'))
    .action(chosen(async () => (await import('./scenario/list.ts')).listScenarios));
  scenario
    .command('new')
    .argument('[file]', 'the file to write (default: my-NAME.yaml); an existing file is not replaced')
    .addOption(
      suggest(new Option('--from <name>', 'the shipped scenario to begin with').default('quiet'), scenarioNames),
    )
    .addOption(jsonOption())
    .description('write a scenario file with a comment on every field')
    .addHelpText('after', examples('scenario new', 'scenario new storms.yaml --from storm'))
    .action(chosen(async () => (await import('./scenario/new.ts')).newScenario));
}

function addSwarm(program: Command): void {
  program
    .command('swarm')
    .description('fly scenarios drawn from seeds; every check must hold in every one')
    .addOption(wholeOption('--seeds <n>', 'how many seeds to fly', 1, uint32Max).default(20))
    .addOption(firstSeedOption())
    .addOption(engineOption())
    .addOption(jobsOption())
    .addOption(outLinesOption('seed'))
    .addOption(resumeOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('swarm --seeds 100', 'swarm --seeds 1 --from 17'))
    .action(chosen(async () => (await import('./campaign/swarm.ts')).swarm));
}

function addDeaths(program: Command): void {
  program
    .command('deaths')
    .description('count false deaths at 30 % frame loss, and measure how soon true deaths are known')
    .addOption(
      wholeOption('--flights <n>', 'how many seeds to fly; 0 sums up the file of --out', 0, uint32Max).default(1),
    )
    .addOption(firstSeedOption())
    .addOption(engineOption())
    .addOption(daysOption('length of a flight, days').default(30))
    .addOption(jobsOption())
    .addOption(outLinesOption('flight'))
    .addOption(resumeOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('deaths --flights 2 --days 3', 'deaths --flights 200 --out deaths.jsonl --resume'))
    .action(chosen(async () => (await import('./campaign/deaths.ts')).deaths));
}

function addInsider(program: Command): void {
  program
    .command('insider')
    .description('measure what one Byzantine member costs the others')
    .command('fields')
    .description('set each field that members believe to its extremes, and measure what that costs')
    .option('--only <field>', 'one field, for example notice.capacity')
    .addOption(jsonOption())
    .addHelpText('after', examples('insider fields --only notice.capacity', 'insider fields --json'))
    .action(chosen(async () => (await import('./campaign/insider_fields.ts')).insiderFields));
}

function addContacts(program: Command): void {
  program
    .command('contacts')
    .description('lay the places of a fleet of clusters, and plan when they can talk')
    .addOption(wholeOption('--clusters <n>', 'clusters of the fleet', 1, clustersMax).default(64))
    .addOption(wholeOption('--days <d>', 'length of the plan, days', 1, runDays.max).default(30))
    .addOption(seedOption().default(1))
    .addOption(wholeOption('--period <min>', "minutes between a pair's contacts; divides a day", 10, 1440).default(60))
    .addOption(bodiesOption())
    .addOption(jsonOption('print places, figures and the contacts of the first hour as one JSON object'))
    .addHelpText('after', examples('contacts', 'contacts --clusters 600 --days 2', 'contacts --period 20 --json'))
    .action(chosen(async () => (await import('./contacts/contacts.ts')).contacts));
}

function addFleet(program: Command): void {
  const fleet = program
    .command('fleet')
    .description('fly a fleet of many clusters of real firmware on its contact plan')
    .addOption(wholeOption('--nodes <n>', 'nodes of the fleet', fleetNodes.min, modelledNodesMax).default(1000))
    .addOption(daysOption('length of the flight, days').default(2))
    .addOption(seedOption().default(1))
    .addOption(
      wholeOption('--threads <n>', 'threads that fly; the result is the same', 1, 256).default(
        availableParallelism(),
        'one per processor',
      ),
    )
    .addOption(imageOption())
    .addOption(
      new Option('--rung <name>', 'statistical: clusters are drawn from flights of firmware; only contacts are exact')
        .choices(['firmware', 'statistical'])
        .default('firmware'),
    )
    .addOption(new Option('--out <folder>', 'write result and checkpoints into this folder, new or empty'))
    .addOption(resumeOption())
    .addOption(positiveOption('--checkpoint-every <min>', 'wall time between checkpoints, minutes', 10_000).default(10))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'fleet',
        'fleet --nodes 2000 --days 10 --seed 5 --image fleet --out runs/fleet',
        'fleet --resume --out runs/fleet',
        'fleet --nodes 100000 --days 10 --rung statistical',
      ),
    )
    .action(chosen(async () => (await import('./fleet/fleet.ts')).fleet));
  fleet
    .command('accept')
    .argument('<folders...>', 'folders of `fleet --out`, of clusters that the kernels were not drawn from')
    .description('print docs/results/fleet-rung.md: the statistical rung against flights held out')
    .addHelpText('after', examples('fleet accept runs/held-* > docs/results/fleet-rung.md'))
    .action(chosen(async () => (await import('./fleet/accept.ts')).fleetAccept));
  fleet
    .command('page')
    .argument('<files...>', 'fleet.json of `fleet --out`, of one flight each')
    .description('print docs/results/fleet.md: cost, disruptions and figures of flights')
    .addHelpText('after', examples('fleet page runs/*/fleet.json > docs/results/fleet.md'))
    .action(chosen(async () => (await import('./fleet/page.ts')).fleetPage));
}

function addMerge(program: Command): void {
  program
    .command('merge')
    .description('measure what merging two halves of a cluster costs, by how much differs between them')
    .addOption(daysOption('how long they are apart, days', 60).default(30))
    .addOption(nodesOption(4).default(100))
    .addOption(seedOption().default(1))
    .addOption(engineOption())
    .option('--differences <list>', 'versions published while apart', '6,12,25,50,100,200,400')
    .addOption(jobsOption())
    .addOption(outReportOption())
    .addOption(jsonOption())
    .addHelpText('after', examples('merge', 'merge --days 1 --nodes 40 --differences 10,40,160 --json'))
    .action(chosen(async () => (await import('./campaign/merge.ts')).merge));
}

function addConvergence(program: Command): void {
  const convergence = program
    .command('convergence')
    .description('measure how soon clusters converge after deaths, resets, merges and lost resources')
    .addOption(shareOption('--loss <p>', 'mean share of frames that are lost, in bursts').default(0.1))
    .addOption(nodesOption(8).default(100))
    .addOption(imageOption())
    .addOption(new Option('--seeds <a..b>', 'seeds to fly, or one seed').default('1..2'))
    .addOption(engineOption())
    .addOption(jobsOption())
    .addOption(outLinesOption('flight'))
    .addOption(resumeOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      examples(
        'convergence',
        'convergence --loss 0.3 --seeds 1..40 --out a.jsonl --resume',
        'convergence --image fleet',
      ),
    )
    .action(chosen(async () => (await import('./campaign/convergence/command.ts')).convergence));
  convergence
    .command('page')
    .argument('<files...>', 'files written by `convergence --out`')
    .description('print docs/results/convergence.md: one section for each setting and image of the files')
    .addHelpText('after', examples('convergence page a.jsonl b.jsonl > docs/results/convergence.md'))
    .action(chosen(async () => (await import('./campaign/convergence/page.ts')).convergencePage));
}
