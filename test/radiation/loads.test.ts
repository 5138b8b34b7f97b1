// long: HELIOGRAPH_WATCHED_DAYS=1.2
// RAD-1: watches every load of the real image; none may read a line before its check in that call.
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { imagePath } from '../../host/build/root.ts';
import type { Engine, FirmwareCalls } from '../../host/engine/engine.ts';
import { factsOf, Space } from '../../host/engine/space.ts';
import { applyOverrides, loadBody, loadScenario } from '../../hwsim/cli/input.ts';
import { runScenario } from '../../hwsim/fleet/run.ts';
import { touchImport, traced } from '../../hwsim/campaign/memory/instrument.ts';
import { Lines } from './watch.ts';

const test = suite('radiation: loads');
const lines = new Lines('flight');
const watchedDays = Number(process.env.HELIOGRAPH_WATCHED_DAYS ?? 0.3);

/** Words of a line: computing its code reads all of them in order (firmware/memory/lines.ts). */
const codePassWords = 8;
const intentsLine = lines.lineOf('INTENTS_AT');
/** Words of the call that guard.ts keeps. */
const callChecked = 0;
const callStamp = 3;

interface Touch {
  line: number;
  offset: number;
  bytes: number;
  /** Its line had been checked, or wholly replaced, by then. */
  checked: boolean;
}

/**
 * Offsets that a walk along a chain compares: next, order, owner, intent slot
 * (firmware/intent/chain.ts). The record that it finds is checked afterwards.
 */
const walked: ReadonlySet<number> = new Set([20, 24, 28, 32, 34]);

/** Calls that put records into chains or take them out. */
const links: ReadonlySet<string> = new Set(['receive', 'observe', 'tick']);

/**
 * Whether a read before the check is harmless: whether an upset is unreported, loss counters (each
 * word written on its own), and walks along chains.
 */
function isAllowed(call: string, { line, offset }: Touch): boolean {
  const table = lines.nameOf(line);
  if (table.endsWith('INTENTS_AT') && walked.has(offset)) return links.has(call);
  return table.endsWith('COUNTERS_AT') || (table.endsWith('PROTECTION_AT') && offset === 7);
}

class Watch {
  readonly found = new Map<string, number>();
  #touches: Touch[] = [];
  #ctx = 0;
  #stampsAt = -1;
  #words = new Uint32Array(0);
  #halves = new Uint16Array(0);
  watching = false;
  loads = 0;
  readonly #distrusted: string;

  /** Lines of the table `distrusted` count as never checked. */
  constructor(distrusted = '') {
    this.#distrusted = distrusted;
  }

  begin(ctx: number, buffer: ArrayBuffer): void {
    this.#ctx = ctx;
    this.#touches = [];
    if (this.#words.buffer === buffer) return;
    this.#words = new Uint32Array(buffer);
    this.#halves = new Uint16Array(buffer);
  }

  /**
   * Finds the stamps. A tick at a round's cut walks over all intents: then their lines have the
   * stamp of the call, and the lines before and after do not.
   */
  findStamps(memoryBase: number): void {
    const stamp = this.#words[(this.#ctx >> 2) + callStamp];
    for (let at = 0; this.#stampsAt < 0 && at + lines.count < memoryBase >> 1; at += 1) {
      const is = (line: number) => (this.#halves[at + line] & ~1) === stamp;
      if (is(intentsLine - 1) || !is(intentsLine) || !is(intentsLine + 799) || is(intentsLine + 800)) continue;
      if (Array.from({ length: 800 }, (_, intent) => is(intentsLine + intent)).every(Boolean)) this.#stampsAt = at;
    }
  }

  get located(): boolean {
    return this.#stampsAt >= 0;
  }

  touch(address: number, bytes: number): void {
    if (!this.watching) return;
    const at = address - this.#ctx - lines.at;
    if (at < 0 || at >= lines.count * 64) return;
    for (let line = at >> 6; line <= (at + bytes - 1) >> 6; line += 1)
      this.#touches.push({ line, offset: line === at >> 6 ? at & 63 : 0, bytes, checked: this.#isChecked(line) });
  }

  #isChecked(line: number): boolean {
    if (this.#distrusted !== '' && lines.nameOf(line).endsWith(this.#distrusted)) return false;
    const call = this.#ctx >> 2;
    if (line < lines.core) return ((this.#words[call + callChecked] >>> line) & 1) === 1;
    return (this.#halves[this.#stampsAt + line] & ~1) === this.#words[call + callStamp];
  }

  end(name: string): void {
    for (let i = 0; i < this.#touches.length; i += 1) {
      const touch = this.#touches[i];
      if (this.#isCodePass(i)) {
        i += codePassWords - 1;
        continue;
      }
      this.loads += 1;
      if (touch.checked || isAllowed(name, touch)) continue;
      const what = `${name}: ${lines.nameOf(touch.line)} + ${touch.offset}`;
      this.found.set(what, (this.found.get(what) ?? 0) + 1);
    }
  }

  #isCodePass(from: number): boolean {
    const words = this.#touches.slice(from, from + codePassWords);
    const offsets = new Set(words.map(({ offset }) => offset));
    return offsets.size === codePassWords && words.every(({ line, bytes }) => bytes === 8 && line === words[0].line);
  }
}

const watched: ReadonlySet<string> = new Set('receive observe tick transmit command event inspect verdict'.split(' '));

async function watchedEngine(image: Uint8Array, watch: Watch): Promise<Engine> {
  const imports = {
    [touchImport.module]: { [touchImport.name]: (at: number, bytes: number) => watch.touch(at, bytes) },
  };
  const { instance } = await WebAssembly.instantiate((await traced(image)) as Uint8Array<ArrayBuffer>, imports);
  const bare = instance.exports as unknown as FirmwareCalls;
  const memory = instance.exports.memory as WebAssembly.Memory;
  const space = new Space({ buffer: () => memory.buffer, grow: (pages) => memory.grow(pages) }, bare.memory_base());
  const calls: Record<string, (...words: number[]) => number> = {};
  for (const [name, call] of Object.entries(bare) as [string, (...words: number[]) => number][]) {
    calls[name] = call;
    if (!watched.has(name)) continue;
    calls[name] = (...words) => {
      watch.begin(words[0], memory.buffer);
      watch.watching = watch.located;
      const result = call(...words);
      watch.watching = false;
      watch.end(name);
      if (!watch.located) watch.findStamps(bare.memory_base());
      return result;
    };
  }
  return {
    name: 'watched',
    image: factsOf(image, bare),
    calls: calls as unknown as FirmwareCalls,
    reserve: (bytes) => space.reserve(bytes),
    loadStatics: () => space.loadStatics(),
    view: () => space.view,
    isTrap: (error) => error instanceof WebAssembly.RuntimeError,
  };
}

async function fly(watch: Watch, nodes: number, days: number, seed: number): Promise<Watch> {
  const scenario = applyOverrides(loadScenario('cluster-neo'), { nodes, days, seed });
  const engine = await watchedEngine(readFileSync(imagePath('flight')), watch);
  runScenario(scenario, { seed, days, nodes, body: loadBody(scenario.body, undefined, () => {}), engine });
  return watch;
}

test('RAD-1 holds: no byte of the block is read or written before its line is checked', async () => {
  const watch = await fly(new Watch(), 8, watchedDays, 3);
  assert.ok(watch.loads > 500_000, `${watch.loads} accesses watched`);
  assert.equal(
    [...watch.found].map(([what, times]) => `${what}, ${times} times`),
    [],
  );
});

test('RAD-1 violated: reads of a table whose lines were not checked are noticed', async () => {
  const watch = await fly(new Watch('GROUPS_AT'), 4, 0.1, 3);
  assert.ok([...watch.found.keys()].some((what) => /^tick: .*GROUPS_AT/.test(what)));
});

test.run();
