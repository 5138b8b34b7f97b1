/**
 * Saves a graph of objects while it lives, and gives its state to another one that was made alike.
 *
 * A cluster's state is spread over a hundred classes, most of it private. No class takes part in
 * this: the bundler makes private fields reachable (host/build/reachable_fields.mjs), so that a new
 * field is saved without anybody thinking of it. What cannot be saved, as functions, is made anew:
 * a cluster is laid out as at its begin, and every object that existed then is given the state that
 * its counterpart had. Both are known by their place in one walk over the fresh graph. Objects that
 * came during the flight are made anew; a function among them, or an object of no class that the
 * bundler knows, is refused. Of classes with private members, only the constructor makes objects:
 * it is called without arguments, and what it cannot make then is refused as well.
 */

/** What the bundler enters for each class. */
interface ClassEntry {
  name: string;
  /** It has private members: only its constructor makes an object that has them. */
  isPrivate: boolean;
  read(object: object): unknown[];
  write(object: object, values: readonly unknown[]): void;
}

type Constructor = new () => object;

const classes = (): ReadonlyMap<unknown, ClassEntry> =>
  (globalThis as { heliographClasses?: Map<unknown, ClassEntry> }).heliographClasses ?? new Map();

/** How an object is saved. kept: its fresh counterpart stays as it is. */
type Kind = 'kept' | 'array' | 'map' | 'set' | 'numbers' | 'plain' | 'instance';

/** Keys of saved instances, and of what is named by its number in the walk. No field has them. */
const classKey = '\0class';
const fieldsKey = '\0fields';
const numberKey = '\0number';

/** A saved graph; v8.serialize keeps what is shared in it, and cycles. */
export interface SavedGraph {
  /** Kinds of all objects of the fresh graph, in the order of the walk. */
  kinds: string;
  root: unknown;
  /** By number in the walk: the saved object. */
  numbered: Map<number, object>;
}

/** The graph cannot be saved: what stands where. A fault of the simulator. */
export class GraphError extends Error {}

const isObject = (value: unknown): value is object =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

const kindLetters: Record<Kind, string> = {
  ...{ kept: 'k', array: 'a', map: 'm', set: 's', numbers: 'n', plain: 'p', instance: 'i' },
};

/** The entries of an instance's class and of those that it extends. */
function entriesOf(object: object): ClassEntry[] {
  const entries: ClassEntry[] = [];
  const visit = (prototype: object | null): void => {
    if (prototype === null) return;
    const entry = classes().get(prototype.constructor);
    if (entry !== undefined) entries.push(entry);
    visit(Object.getPrototypeOf(prototype));
  };
  visit(Object.getPrototypeOf(object));
  return entries;
}

function kindOf(object: object): Kind {
  if (typeof object === 'function') return 'kept';
  if (Array.isArray(object)) return 'array';
  if (ArrayBuffer.isView(object)) return object instanceof DataView ? 'kept' : 'numbers';
  const prototype = Object.getPrototypeOf(object);
  if (prototype === Object.prototype) return 'plain';
  if (prototype === Map.prototype) return 'map';
  if (prototype === Set.prototype) return 'set';
  return classes().has(prototype?.constructor) ? 'instance' : 'kept';
}

const partOf = (object: object, key: string): unknown => (object as Record<string, unknown>)[key];

/** All that an object refers to, in one order. */
function partsOf(object: object, kind: Kind): unknown[] {
  switch (kind) {
    case 'kept':
    case 'numbers':
      return [];
    case 'map':
      return [...(object as Map<unknown, unknown>)].flat(1);
    case 'array':
    case 'set':
      return [...(object as Iterable<unknown>)];
    case 'plain':
      return Object.values(object);
    case 'instance':
      return [...Object.values(object), ...entriesOf(object).flatMap(({ read }) => read(object))];
  }
}

/** A graph that is fresh when this is made. */
export class ObjectGraph {
  readonly #root: object;
  readonly #isKept: (object: object) => boolean;
  /** By number in the walk; only while the fresh graph waits for a state. */
  readonly #numbers = new WeakMap<object, number>();
  readonly #kinds: string;
  #fresh: object[];

  /**
   * `kept`: objects that are no part of the state, with all that only they refer to. Views of
   * `memory` are none either.
   */
  constructor(root: object, kept: readonly object[], memory: ArrayBufferLike) {
    const keptSet = new Set(kept);
    this.#root = root;
    this.#isKept = (object) => keptSet.has(object) || (ArrayBuffer.isView(object) && object.buffer === memory);
    this.#fresh = [];
    const kinds: string[] = [];
    const pending: object[] = [root];
    for (let object = pending.pop(); object !== undefined; object = pending.pop()) {
      if (this.#numbers.has(object)) continue;
      this.#numbers.set(object, this.#fresh.length);
      this.#fresh.push(object);
      const kind = this.#kindOf(object);
      kinds.push(kindLetters[kind]);
      for (const part of partsOf(object, kind)) if (isObject(part)) pending.push(part);
    }
    this.#kinds = kinds.join('');
  }

  #kindOf(object: object): Kind {
    return this.#isKept(object) ? 'kept' : kindOf(object);
  }

  /** Forgets the objects of the graph's begin: it will be given no state. */
  begin(): void {
    this.#fresh = [];
  }

  /** Copies the state. Throws GraphError when something in it cannot be saved. */
  save(): SavedGraph {
    const saved = new Map<object, object>();
    const numbered = new Map<number, object>();
    const copy = (value: unknown, path: string): unknown => {
      if (!isObject(value)) return value;
      const known = saved.get(value);
      if (known !== undefined) return known;
      const number = this.#numbers.get(value);
      const kind = this.#kindOf(value);
      if (kind === 'kept') {
        if (number === undefined) throw new GraphError(`${path} cannot be saved: it came during the flight`);
        const name = { [numberKey]: number };
        saved.set(value, name);
        return name;
      }
      if (kind === 'instance' && number === undefined && blankOf(value.constructor) === null)
        throw new GraphError(`${path} cannot be saved: its constructor, without arguments, makes no object`);
      const target = emptyCopy(value, kind);
      saved.set(value, target);
      if (number !== undefined) numbered.set(number, target);
      fill(value, kind, target, path, copy);
      return target;
    };
    return { kinds: this.#kinds, root: copy(this.#root, ''), numbered };
  }

  /** Takes over a state. Throws GraphError when it is that of a graph that was made otherwise. */
  restore({ kinds, root, numbered }: SavedGraph): void {
    if (kinds !== this.#kinds) throw new GraphError('the state is that of a graph that was made otherwise');
    const fresh = this.#fresh;
    const restored = new Map<object, object>();
    for (const [number, object] of numbered) restored.set(object, fresh[number]);
    const done = new Set<object>();
    const make = (value: unknown): unknown => {
      if (!isObject(value)) return value;
      const number = partOf(value, numberKey);
      if (typeof number === 'number') return fresh[number];
      let target = restored.get(value);
      if (target === undefined) {
        target = emptyFrom(value);
        restored.set(value, target);
      }
      if (!done.has(value)) {
        done.add(value);
        refill(target, value, make);
      }
      return target;
    };
    make(root);
    this.begin();
  }
}

/** `slice` of a Buffer would view the same bytes. */
const copyOfNumbers = (numbers: Uint8Array): Uint8Array => Uint8Array.prototype.slice.call(numbers);

/** Makes what will hold the copy of an object. Numbers are copied at once. */
function emptyCopy(object: object, kind: Kind): object {
  switch (kind) {
    case 'array':
      return [];
    case 'map':
      return new Map();
    case 'set':
      return new Set();
    case 'numbers':
      return copyOfNumbers(object as Uint8Array);
    case 'instance':
      return { [classKey]: classes().get(object.constructor)!.name };
    default:
      return {};
  }
}

/** Holes stay holes. */
function copyItems(from: readonly unknown[], to: unknown[], copy: (item: unknown, at: number) => unknown): void {
  to.length = Math.min(to.length, from.length);
  for (let at = 0; at < from.length; at += 1) {
    if (!(at in from)) {
      delete to[at];
      continue;
    }
    const item = copy(from[at], at);
    if (to[at] !== item || !(at in to)) to[at] = item;
  }
  to.length = from.length;
}

type Copy = (value: unknown, path: string) => unknown;

function fill(object: object, kind: Kind, target: object, path: string, copy: Copy): void {
  switch (kind) {
    case 'numbers':
      return;
    case 'map':
      for (const [key, value] of object as Map<unknown, unknown>)
        (target as Map<unknown, unknown>).set(copy(key, `${path}.key`), copy(value, `${path}.${String(key)}`));
      return;
    case 'set':
      for (const value of object as Set<unknown>) (target as Set<unknown>).add(copy(value, `${path}.member`));
      return;
    case 'array':
      return copyItems(object as unknown[], target as unknown[], (item, at) => copy(item, `${path}.${at}`));
    default:
  }
  const to = target as Record<string, unknown>;
  for (const key of Object.keys(object)) to[key] = copy(partOf(object, key), `${path}.${key}`);
  if (kind !== 'instance') return;
  to[fieldsKey] = entriesOf(object).map(({ name, read }) =>
    read(object).map((value, at) => copy(value, `${path}.${name}#${at}`)),
  );
}

/** Makes an object of a class, to be filled; null: its constructor cannot do it. */
function blankOf(maker: unknown): object | null {
  const { prototype } = maker as Constructor;
  const blank = Object.create(prototype);
  if (!entriesOf(blank).some(({ isPrivate }) => isPrivate)) return blank;
  try {
    return Reflect.construct(maker as Constructor, []);
  } catch {
    return null;
  }
}

/** Makes what will hold an object that came during the flight. */
function emptyFrom(saved: object): object {
  if (Array.isArray(saved)) return [];
  if (saved instanceof Map) return new Map();
  if (saved instanceof Set) return new Set();
  if (ArrayBuffer.isView(saved)) return copyOfNumbers(saved as Uint8Array);
  const name = partOf(saved, classKey);
  if (name === undefined) return {};
  for (const [maker, entry] of classes()) {
    const blank = entry.name === name ? blankOf(maker as Constructor) : null;
    if (blank !== null) return blank;
  }
  throw new GraphError(`there is no class ${String(name)}`);
}

function refill(target: object, saved: object, make: (value: unknown) => unknown): void {
  if (ArrayBuffer.isView(saved)) {
    (target as Uint8Array).set(saved as Uint8Array);
    return;
  }
  if (saved instanceof Map) {
    const entries = [...saved].map(([key, value]) => [make(key), make(value)]);
    (target as Map<unknown, unknown>).clear();
    for (const [key, value] of entries) (target as Map<unknown, unknown>).set(key, value);
    return;
  }
  if (saved instanceof Set) {
    const members = [...saved].map(make);
    (target as Set<unknown>).clear();
    for (const member of members) (target as Set<unknown>).add(member);
    return;
  }
  if (Array.isArray(saved)) {
    copyItems(saved, target as unknown[], make);
    return;
  }
  const to = target as Record<string, unknown>;
  const keys = Object.keys(saved).filter((key) => key !== classKey && key !== fieldsKey);
  const present = new Set(keys);
  for (const key of Object.keys(target)) if (!present.has(key)) delete to[key];
  for (const key of keys) {
    const value = make(partOf(saved, key));
    if (!Object.is(to[key], value) || !(key in to)) to[key] = value;
  }
  const fields = partOf(saved, fieldsKey) as unknown[][] | undefined;
  if (fields === undefined) return;
  entriesOf(target).forEach(({ write }, at) => {
    write(target, fields[at].map(make));
  });
}
