import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseScenario, ScenarioError, scenarioText, withOverrides } from '../../hwsim/scenario/load.ts';
import { shippedScenarios } from '../../hwsim/scenario/shipped.ts';
import { findBody, shippedBodies } from '../../hwsim/world/bodies.ts';

const text = shippedScenarios['cluster-neo'];

/** The error's lines for the shipped scenario with one piece replaced. */
function problemsWith(before: string, after: string): string[] {
  assert.ok(text.includes(before), `the scenario holds no '${before}'`);
  try {
    parseScenario(text.replace(before, after), 'x.yaml');
  } catch (error) {
    assert.instance(error, ScenarioError);
    return (error as Error).message.split('\n');
  }
  return [];
}

function lineOf(piece: string): number {
  return text.slice(0, text.indexOf(piece)).split('\n').length;
}

test('eight scenarios ship; each is valid, works a body we know, and comes back from what is recorded', () => {
  assert.equal(Object.keys(shippedScenarios).sort(), [
    ...['byzantine-1', 'cluster-neo', 'isolation-30d', 'lossy-30pct', 'mixed-hardware', 'quiet', 'storm', 'storm-s5'],
  ]);
  for (const [name, yaml] of Object.entries(shippedScenarios)) {
    const scenario = parseScenario(yaml, `${name}.yaml`);
    assert.is(scenario.name, name);
    assert.ok(findBody(shippedBodies(), scenario.body).aAu > 0);
    assert.equal(parseScenario(scenarioText(scenario), 'again.yaml'), scenario);
  }
});

test('SIM-1 holds: cluster-neo draws every kind of disruption', () => {
  const { disruptions, nodes, generations, days } = parseScenario(text, 'x.yaml');
  const kinds = new Set(disruptions.map(({ kind }) => kind));
  assert.is(kinds.size, 8);
  const deaths = disruptions.filter(({ kind }) => kind === 'node-death');
  assert.is(
    deaths.reduce((sum, death) => sum + ('count' in death ? death.count : 0), 0),
    3,
  );
  assert.equal([nodes, generations.length, days], [100, 3, 14]);
});

test('an error names file, line, column, field and the next step', () => {
  const [message, ...others] = problemsWith('meanLoss: 0.1', 'meanLoss: 1.5');
  assert.equal(others, []);
  const column = text.split('\n')[lineOf('meanLoss: 0.1') - 1].indexOf('0.1') + 1;
  assert.ok(message.startsWith(`x.yaml:${lineOf('meanLoss: 0.1')}:${column} radio.meanLoss: is 1.5`), message);
  assert.match(message, /docs\/scenarios\.md/);
});

test('a storm names a past solar event, or the error lists the nearest ones', () => {
  const found = problemsWith('event: "2026-01-18T22:55Z"', 'event: "2026-01-18T22:56Z"').join('\n');
  assert.match(found, /\.event: is 2026-01-18T22:56Z: no known solar event.*did you mean 2026-01-18T22:55Z\?/);
});

test('SIM-1 violated: a disruption that is misspelt is refused with a suggestion, not left out', () => {
  assert.match(problemsWith('tugs: 6', 'tuggs: 6').join('\n'), /world\.tuggs: is not known \(did you mean tugs\?/);
  assert.match(problemsWith('kind: tug-lost', 'kind: tug-lots')[0], /did you mean tug-lost\?/);
  assert.match(problemsWith('count: 2', 'counts: 2')[0], /disruptions\[1\]\.counts/);
});

test('a number that is none is shown as it was written', () => {
  assert.match(problemsWith('days: 14', 'days: .inf')[0], /days: is Infinity: expected number/);
});

test('a missing field is named where it is missed', () => {
  assert.equal(problemsWith('days: 14\n', ''), ['x.yaml:3:1 days: is missing (add it; expected number)']);
});

test('fields that contradict each other are found', () => {
  assert.match(problemsWith('share: 0.2', 'share: 0.3')[0], /generations: the shares sum to 1\.1/);
  assert.match(problemsWith('generation: 2', 'generation: 1')[0], /a generation comes twice/);
  assert.match(problemsWith('fromDay: 13,', 'fromDay: 13.9,')[0], /when: ends before it begins/);
  assert.match(problemsWith('days: 14', 'days: 13')[0], /is after the run's last, 13/);
  assert.match(problemsWith('atDay: 10.955', 'onDay: 10.955')[0], /when: says when as \{atDay: D\}/);
});

test('SIM-1 violated: a disruption that cannot happen, or that affects nobody, is refused with its place', () => {
  const death = '- { kind: node-death, when: { fromDay: 13, toDay: 13.4 } }';
  const cases: [string, string, RegExp][] = [
    [death, death.replace('when', 'count: 98, when'), /\]\.count: makes 100 deaths in a cluster of 100 \(leave/],
    [
      death,
      `${death}\n  ${death.replace('when', 'node: 4, when')}\n  ${death.replace('when', 'node: 4, when')}`,
      /dies already/,
    ],
    ['tugs: 6', 'tugs: 0', /\]\.kind: comes more often than there are tugs, 0/],
    ['reset, count: 2', 'reset, count: 101', /\]\.count: is 101, but there are 100 nodes \(lower it/],
    ['hung-task, when', 'hung-task, count: 101, when', /\]\.count: is 101, but there are 100 nodes/],
    ['hung-runtime, when', 'hung-runtime, count: 101, when', /\]\.count: is 101, but there are 100 nodes/],
    ['share: 0.33', 'share: 0.996', /\]\.share: hides all 100 nodes together/],
    [
      'silenceHours: 8\n    riseHours: 6\n    resetShare: 0.15',
      'silenceHours: 0\n    resetShare: 0.004',
      /affects nobody/,
    ],
    [
      'lot-depleted, when: { fromDay: 6.3, toDay: 6.8 } }',
      `lot-depleted, when: { atDay: 6 } }${'\n  - { kind: lot-depleted, when: { atDay: 7 } }'.repeat(5)}`,
      /than there are lots, 5/,
    ],
  ];
  for (const [before, after, message] of cases) assert.match(problemsWith(before, after).join('\n'), message);
  assert.equal(problemsWith(death, death.replace('when', 'count: 97, when')), []);
  assert.equal(problemsWith('tugs: 6', 'tugs: 1'), []);
  assert.throws(
    () => withOverrides(parseScenario(text, 'x.yaml'), { nodes: 3 }),
    /disruptions\[10\]\.count: makes 3 deaths/,
  );
  assert.is(withOverrides(parseScenario(text, 'x.yaml'), { nodes: 3, days: 2 }).nodes, 3);
});

test('what is no YAML, or no scenario, says so', () => {
  assert.match(problemsWith('lots: 5', 'lots: [5')[0], /^x\.yaml:\d+:\d+ YAML: /);
  assert.match(problemsWith(text, '')[0], /expected object/);
});

test('aliases in a scenario are written out; those that contain themselves or multiply are refused', () => {
  const aliased = parseScenario(text.replace('lots: 5', 'lots: &five 5').replace('tugs: 6', 'tugs: *five'), 'x.yaml');
  assert.equal([aliased.world.lots, aliased.world.tugs], [5, 5]);
  assert.match(problemsWith(text, 'a: &a [*a]')[0], /^x\.yaml:1:8 YAML: alias \*a contains itself \(write/);
});

test('a scenario has at most 256 KiB, and at most twenty problems are named', () => {
  assert.match(
    problemsWith(text, `# ${'x'.repeat(1 << 18)}`)[0],
    /^x\.yaml:1:1 scenario: has more than the 262144 bytes/,
  );
  const unknown = Array.from({ length: 500 }, (_, i) => `field${i}: 1`).join('\n');
  assert.is(problemsWith('days: 14', `${unknown}\ndays: 14`).length, 20);
  const [long] = problemsWith('lots: 5', `lots: ${'x'.repeat(100_000)}`);
  assert.ok(long.length < 300, `${long.length} characters`);
});

test('figures that are possible alone and not together are refused', () => {
  assert.match(problemsWith('tugs: 6', 'tugs: 6\n  stockDays: 36500\n  saturation: 2')[0], /saturation comes twice/);
  const rich = problemsWith('rateKgPerDay: 200', 'rateKgPerDay: 100000').join('\n');
  assert.match(rich, /world\.stockDays: is 3650: a lot of \d+ kg a day would pass 2³² kg \(at most \d+\)/);
  const worked = problemsWith('tugs: 6', 'tugs: 6\n  maintenanceEveryDays: 0.5\n  maintenanceMinutes: 720').join('\n');
  assert.match(worked, /world\.maintenanceMinutes: is 720, but maintenance recurs every 0\.5 days/);
  const heard = problemsWith('tugs: 6', 'tugs: 6\n  contactEveryHours: 0.5\n  contactMinutes: 30').join('\n');
  assert.match(heard, /world\.contactMinutes: is 30, but windows recur every 0\.5 hours/);
  const stranger = problemsWith('days: 14', 'days: 14\ninsider: { node: 100, fromDay: 3, toDay: 2 }').join('\n');
  assert.match(stranger, /insider\.node: is 100: nodes are 0 to 99/);
  assert.match(stranger, /insider\.toDay: is before fromDay, 3/);
  const stormy = problemsWith('days: 14', 'days: 14\nupsets: { perBitDay: 0.01 }').join('\n');
  assert.match(stormy, /upsets: make some [\d,]+ upsets, more than 1000000/);
});

test('options replace fields, and are checked like them', () => {
  const scenario = parseScenario(text, 'x.yaml');
  const changed = withOverrides(scenario, { seed: 7, days: 2, nodes: 10, preset: undefined });
  assert.equal([changed.seed, changed.days, changed.nodes, changed.preset], [7, 2, 10, 'flight']);
  assert.throws(() => withOverrides(scenario, { preset: 'compact' }), /--nodes: 100 do not fit the compact image/);
  assert.throws(() => withOverrides(scenario, { days: -1 }), /--days/);
  assert.throws(() => withOverrides(scenario, { seed: 1.5 }), /--seed/);
});

test('boards and disturbed nodes are members, boards are named once, and every board can hold the cluster', () => {
  const mixed = shippedScenarios['mixed-hardware'];
  const problems = (before: string, after: string) => {
    assert.ok(mixed.includes(before), before);
    try {
      parseScenario(mixed.replace(before, after), 'x.yaml');
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  assert.match(
    problems('node: 2, target: m7', 'node: 20, target: m7'),
    /boards\[0\]\.node: is 20: nodes are 0 to 19 \(name one/,
  );
  assert.match(
    problems('node: 5, target: m4', 'node: 2, target: m4'),
    /boards\[1\]\.node: is 2, which is a board already \(name each/,
  );
  assert.match(problems('target: m7', 'target: m8'), /boards\[0\]\.target: is "m8"/);
  assert.match(
    problems('nodes: 20', 'nodes: 65'),
    /boards\[1\]\.target: is m4, whose compact image has room for 64 members, not 65 \(fewer/,
  );
  assert.match(
    problems('node-death, node: 13', 'node-death, node: 33'),
    /disruptions\[4\]\.node: is 33: nodes are 0 to 19/,
  );
  assert.match(
    problems('node-death, node: 13', 'node-death, count: 2, node: 13'),
    /count: is more than one, but one node is named/,
  );
  assert.throws(() => withOverrides(parseScenario(mixed, 'x.yaml'), { nodes: 10 }), /--boards\[3\]\.node: is 13/);
});

const storm = shippedScenarios['storm-s5'];

function stormProblems(before: string, after: string): string {
  assert.ok(storm.includes(before), `the scenario holds no '${before}'`);
  try {
    parseScenario(storm.replace(before, after), 'x.yaml');
  } catch (error) {
    assert.instance(error, ScenarioError);
    return (error as Error).message;
  }
  return '';
}

test('RAD-1: a section of upsets is refused when it cannot be meant, with field and next step', () => {
  assert.match(
    stormProblems('doubleShare: 0.12', 'doubleShare: 0.99'),
    /x\.yaml:\d+:\d+ upsets: doubleShare and burstShare sum to/,
  );
  assert.match(stormProblems('perBitDay: 3.4e-8', 'perBitDay: 0'), /upsets\.perBitDay: is 0/);
  assert.match(
    stormProblems('perBitDay: 3.4e-8', 'perBitSecond: 3.4e-8'),
    /upsets\.perBitSecond: is not known.*perBitDay/,
  );
  assert.match(
    stormProblems('upsets:', 'boards: [{ node: 1, target: m7 }]\nupsets:'),
    /upsets: cannot be injected into boards/,
  );
  assert.match(stormProblems('decayHours: 24', 'decayHours: 1'), /decayHours: is 1/);
});

test('--upset-scale multiplies the rate of a scenario that has upsets, and says so of one that has none', () => {
  const scaled = withOverrides(parseScenario(storm, 'x.yaml'), { upsetScale: 10 });
  assert.is(scaled.upsets?.scale, 10);
  assert.is(scaled.upsets?.perBitDay, 3.4e-8);
  assert.throws(
    () => withOverrides(parseScenario(text, 'x.yaml'), { upsetScale: 10 }),
    /--upset-scale: .*has no upsets to multiply/,
  );
});

test.run();
