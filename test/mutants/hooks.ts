/**
 * Lets a test program run on mutants. Loaded before it by `node --import`, in worker threads and
 * child processes too: an image whose mutants were compiled takes the place of the built one, and
 * `HELIOGRAPH_MUTANT` names the mutant that is awake.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the hooks share with the runner and with mutated TypeScript, as `globalThis.mutants`. */
export interface MutantState {
  /** Number of the mutant that is awake; −1 = none. */
  chosen: number;
  /** Numbers of the mutants whose switch was met, when they are recorded. */
  seen: Set<number> | null;
  /** Instances of images with mutants that were made while switches are recorded. */
  instances: WebAssembly.Instance[];
  /** True while this mutant is awake: the switch of mutated TypeScript. */
  is(number: number): boolean;
}

const folder = process.env.HELIOGRAPH_MUTANTS!;
/** SHA-256 of a built image → file of the image with mutants. */
const images: Record<string, string> = JSON.parse(readFileSync(join(folder, 'images.json'), 'utf8'));

const state: MutantState = {
  chosen: Number(process.env.HELIOGRAPH_MUTANT ?? -1),
  seen: null,
  instances: [],
  is(number) {
    state.seen?.add(number);
    return number === state.chosen;
  },
};
(globalThis as unknown as { mutants: MutantState }).mutants = state;

/** Compiled once a process, so that V8 optimises once, too. */
const modules = new Map<string, WebAssembly.Module>();

WebAssembly.Module = new Proxy(WebAssembly.Module, {
  construct(target, [bytes]: [Uint8Array<ArrayBuffer>]) {
    const digest = createHash('sha256').update(bytes).digest('hex');
    const file = images[digest];
    if (file === undefined) return new target(bytes);
    let module = modules.get(file);
    if (module === undefined) modules.set(file, (module = new target(readFileSync(join(folder, file)))));
    return module;
  },
});

WebAssembly.Instance = new Proxy(WebAssembly.Instance, {
  construct(target, [module, imports]: [WebAssembly.Module, WebAssembly.Imports]) {
    const instance = new target(module, imports);
    const choose = instance.exports.mutant_choose as ((number: number) => void) | undefined;
    if (choose !== undefined) {
      choose(state.chosen);
      if (state.seen !== null) state.instances.push(instance);
    }
    return instance;
  },
});
