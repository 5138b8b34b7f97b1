import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createV8Engine } from '../../host/engine/v8.ts';
import type { ImageName, InjectionRecord } from '../../hwsim/campaign/campaign.ts';
import type { ModelName } from '../../hwsim/campaign/fault_models.ts';
import type { OutcomeName } from '../../hwsim/campaign/outcomes.ts';
import { Campaign } from '../../hwsim/campaign/memory/campaign.ts';
import { drawUpset } from '../../hwsim/campaign/memory/draw.ts';
import { loopTurnsMax, readImage, settingFor } from '../../hwsim/campaign/memory/setting.ts';
import { counted, countExport, metered } from '../../hwsim/campaign/memory/instrument.ts';
import { judgeFork } from '../../hwsim/campaign/memory/judge.ts';
import { Machine, op, Program } from '../../hwsim/campaign/memory/machine.ts';
import { injectionScenario } from '../../hwsim/campaign/memory/scenario.ts';
import { replayLog } from '../../hwsim/campaign/memory/golden.ts';
import { never, traceTouches } from '../../hwsim/campaign/memory/touches.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { findBody, shippedBodies } from '../../hwsim/world/bodies.ts';

const mixed: readonly ModelName[] = ['bit', 'double', 'burst'];
/** Short, but the reset and the storm's announcement are in it. */
const span = { hours: 2.4, fromHours: 0.5, toHours: 1.6 };
const scenario = injectionScenario();
const body = findBody(shippedBodies(), scenario.body);

async function campaignOn(image: ImageName, models = mixed, bytes?: Uint8Array): Promise<Campaign> {
  return new Campaign(await settingFor(image, { seed: 1, n: 4000, models, bytes, span }));
}

function run(campaign: Campaign, node: number, indices: readonly number[], exhaustive = false): InjectionRecord[] {
  const records: InjectionRecord[] = [];
  campaign.run(node, indices, (record) => records.push(record), exhaustive);
  return records.sort((a, b) => a.index - b.index);
}

function flyOrdinary(image: Uint8Array, hours: number) {
  const engine = createV8Engine(image);
  const { traceHash } = runScenario(scenario, { seed: 1, days: hours / 24, nodes: scenario.nodes, body, engine });
  return { traceHash, calls: engine.calls as unknown as Record<string, WebAssembly.Global> };
}

const protectedCampaign = await campaignOn('protected');
const bareCampaign = await campaignOn('unprotected');

test('metered and counted images, and a machine per node, fly to the trace hash of the flown image', async () => {
  const image = readImage('protected');
  const { traceHash } = flyOrdinary(image, span.hours);
  assert.is(flyOrdinary(await metered(image, loopTurnsMax), span.hours).traceHash, traceHash);
  const count = flyOrdinary(await counted(image), span.hours);
  assert.is(count.traceHash, traceHash);
  assert.ok(count.calls[countExport].value > 10_000_000n);
  assert.is(protectedCampaign.golden.facts.traceHash, traceHash);
  // Protection changes no output.
  assert.is(bareCampaign.golden.facts.traceHash, traceHash);
});

test('a loop that never ends traps after its number of turns, and is distinguished from another trap', async () => {
  // (module (memory (export "memory") 1)
  //   (func (export "deadline") (param i32 i32 i32) (result i32) (loop (br 0)) unreachable))
  const endless = [
    '0061736d0100000001080160037f7f7f017f0302010005030100010715',
    '0206',
    '6d656d6f72790200',
    '08646561646c696e650000',
    '0a0a01080003400c000b000b',
  ].join('');
  const image = await metered(Uint8Array.from(Buffer.from(endless, 'hex')), 1000);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(image as Uint8Array<ArrayBuffer>));
  assert.throws(() => (exports.deadline as CallableFunction)(0, 0, 0), /unreachable/);
  assert.is((exports.loop_turns_left as WebAssembly.Global).value, 0);
});

test('the recorder knows, of every word and call, the next call that touches the word', () => {
  const { traced, recorder } = protectedCampaign.setting;
  const [log] = protectedCampaign.golden.logs;
  const program = new Program(traced);
  const touches = traceTouches(program, new WebAssembly.Module(recorder as Uint8Array<ArrayBuffer>), log);
  const seen = new Map<number, number[]>();
  let call = 0;
  const note = (at: number, bytes: number) => {
    for (let word = at >> 2; word <= (at + bytes - 1) >> 2; word += 1) {
      const calls = seen.get(word) ?? [];
      if (calls.at(-1) !== call) calls.push(call);
      seen.set(word, calls);
    }
  };
  replayLog(new Machine(program, note), log, (index) => {
    call = index;
    if (log.op[index] <= op.restore) note(program.stateFrom, program.context - program.stateFrom);
  });
  const touchedOnce = [...seen.values()].filter((calls) => calls.length === 1).length;
  assert.ok(touchedOnce > 1000 && Math.max(...[...seen.values()].map(({ length }) => length)) > 1000);
  for (let word = program.stateFrom >> 2; word < program.stateTo >> 2; word += 1) {
    const found: number[] = [];
    for (let at = touches.next(word, 0); at !== never; at = touches.next(word, at + 1)) found.push(at);
    assert.equal(found, seen.get(word) ?? [], `word ${word}`);
  }
});

for (const [name, campaign] of [
  ['protected', protectedCampaign],
  ['unprotected', bareCampaign],
] as const)
  test(`with pruning and shared forks, the ${name} image's outcomes are those of the exhaustive replay`, () => {
    const indices = campaign.indicesOf(3).slice(0, 30);
    const quick = run(campaign, 3, indices);
    const slow = run(campaign, 3, indices, true);
    assert.equal(
      quick.map(({ index, outcome }) => [index, outcome]),
      slow.map(({ index, outcome }) => [index, outcome]),
    );
  });

test('an injection made alone has the record that it has among others', () => {
  const indices = bareCampaign.indicesOf(5).slice(0, 120);
  const together = run(bareCampaign, 5, indices);
  for (const record of together.filter(({ reason }) => reason.startsWith('first')).slice(0, 5))
    assert.equal(run(bareCampaign, 5, [record.index]), [record]);
});

test('the same seed draws the same upsets, uniform over nodes, calls and bits; another seed draws others', () => {
  const { window, program } = bareCampaign;
  const draw = (seed: number, index: number) => drawUpset({ seed, models: mixed, window, program }, index);
  assert.equal(draw(1, 7), draw(1, 7));
  assert.is.not(JSON.stringify(draw(1, 7)), JSON.stringify(draw(2, 7)));
  const upsets = Array.from({ length: 4000 }, (_, index) => draw(1, index));
  const share = (model: ModelName) => upsets.filter((upset) => upset.model === model).length / upsets.length;
  assert.ok(Math.abs(share('double') - 0.08) < 0.02 && Math.abs(share('burst') - 0.02) < 0.01);
  for (const { node, call, place, bits, model, span: width } of upsets) {
    assert.ok(call >= window.from[node] && call < window.to[node]);
    const last = place + (bits[bits.length - 1] >> 3);
    assert.ok(place >= program.stateFrom && last < program.stateTo);
    assert.is(new Set(bits).size, bits.length);
    if (model === 'double')
      assert.ok(bits[1] < (width === 'word' ? 32 : 512) && place % (width === 'word' ? 4 : 64) === 0);
    if (model === 'burst')
      assert.ok(bits.length >= 3 && bits.length <= 8 && bits[bits.length - 1] - bits[0] === bits.length - 1);
  }
});

test('a vertical cluster is three or four bits of one column of one line, half of them at a regular spacing', () => {
  const { window, program } = bareCampaign;
  const seen = new Map<string, number>();
  const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1);
  const draws = 4000;
  for (let index = 0; index < draws; index += 1) {
    const { place, bits, span } = drawUpset({ seed: 1, models: ['vertical'], window, program }, index);
    const rowBits = span === 'byte' ? 8 : 32;
    assert.is(new Set(bits.map((bit) => bit % rowBits)).size, 1, 'one column');
    assert.is(new Set(bits).size, bits.length);
    assert.ok((place % 64 === 0 || place === program.stateTo - 64) && bits.every((bit) => bit >= 0 && bit < 512));
    const steps = bits.slice(1).map((bit, row) => bit - bits[row]);
    if (new Set(steps).size === 1) count(`${span}, spacing ${steps[0] / rowBits}`);
    count(`${span}, ${bits.length} bits${new Set(steps).size === 1 ? ', regular' : ''}`);
    count(`column ${bits[0] % rowBits}`);
  }
  for (const span of ['byte', 'word'])
    for (const bits of [3, 4]) {
      const regular = seen.get(`${span}, ${bits} bits, regular`) ?? 0;
      const other = seen.get(`${span}, ${bits} bits`) ?? 0;
      // Spacings that are drawn at random are regular, too, now and then.
      assert.ok(regular > draws / 9 && regular < draws / 6 && other > draws / 11 && regular + other < draws / 3, span);
    }
  for (const spacing of [1, 2, 3, 4, 5]) assert.ok(seen.has(`word, spacing ${spacing}`), `word, spacing ${spacing}`);
  for (const spacing of [1, 4, 8, 16, 31]) assert.ok(seen.has(`byte, spacing ${spacing}`), `byte, spacing ${spacing}`);
  for (let column = 0; column < 32; column += 1) assert.ok(seen.has(`column ${column}`), `column ${column}`);
});

const outcomesOf = (records: readonly InjectionRecord[]) => new Set(records.map(({ outcome }) => outcome));

test('without protection upsets are masked, stay latent, crash nodes, and cause local and propagated SDC', () => {
  const records = [0, 1, 2, 4].flatMap((node) => run(bareCampaign, node, bareCampaign.indicesOf(node)));
  const seen = outcomesOf(records);
  for (const outcome of ['masked', 'masked-latent', 'crash', 'SDC-local', 'SDC-propagated'] as OutcomeName[])
    assert.ok(seen.has(outcome), outcome);
  assert.not(seen.has('corrected'));
});

test('a protection that protects nothing is detected', async () => {
  const broken = await campaignOn('protected', mixed, readImage('unprotected'));
  assert.ok(outcomesOf(run(broken, 1, broken.indicesOf(1))).has('SDC-local'));
});

test('the protected image finds a stuck bit again and again, and propagates nothing', async () => {
  const campaign = await campaignOn('protected', ['stuck']);
  const records = run(campaign, 2, campaign.indicesOf(2).slice(0, 12));
  const seen = outcomesOf(records);
  assert.ok(seen.has('corrected'), [...seen].join(', '));
  assert.not(seen.has('SDC-propagated'));
});

test('an injected trap takes the ordinary crash recovery and is judged by its site; an injected hang is a hang', () => {
  const log = bareCampaign.golden.logs[1];
  let call = bareCampaign.window.from[1];
  while (log.op[call] !== op.tick) call += 1;
  const judged = (site: number, hang: boolean) =>
    judgeFork(bareCampaign.fork({ node: 1, call, how: 'trap', site, hang })).outcome;
  assert.is(judged(902, false), 'detected-and-recovered');
  assert.is(judged(123, false), 'crash');
  assert.is(judged(0, true), 'hang');
});

test('a renewed machine has its first contents', () => {
  const program = new Program(protectedCampaign.setting.metered);
  const machine = new Machine(program);
  const before = machine.bytes.slice();
  machine.bytes.fill(0xaa, program.context, program.stateTo);
  machine.renew();
  assert.equal(Buffer.compare(machine.bytes, before), 0);
});

test.run();
