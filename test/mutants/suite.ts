/**
 * Takes the place of `uvu` in test programs that run on mutants: the same words, but the runner
 * decides when tests run and stops at the first that fails.
 */
type Handler = (state: Record<string, unknown>) => unknown;

export interface RegisteredSuite {
  name: string;
  state: Record<string, unknown>;
  tests: { name: string; handler: Handler }[];
  hooks: Record<'before' | 'after' | 'beforeEach' | 'afterEach', Handler[]>;
}

/** Suites whose tests are all declared, in order; the runner empties it before each program. */
export const registered: RegisteredSuite[] = ((
  globalThis as unknown as { mutantSuites?: RegisteredSuite[] }
).mutantSuites ??= []);

export function suite(name = '', state: Record<string, unknown> = {}) {
  const own: RegisteredSuite = {
    name,
    state,
    tests: [],
    hooks: { before: [], after: [], beforeEach: [], afterEach: [] },
  };
  const hook = (kind: keyof RegisteredSuite['hooks']) => (handler: Handler) => void own.hooks[kind].push(handler);
  const declare = (title: string, handler: Handler) => void own.tests.push({ name: title, handler });
  return Object.assign(declare, {
    before: Object.assign(hook('before'), { each: hook('beforeEach') }),
    after: Object.assign(hook('after'), { each: hook('afterEach') }),
    skip: () => {},
    run: () => void registered.push(own),
  });
}

export const test = suite();
