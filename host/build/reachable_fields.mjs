/**
 * Makes the private fields of the simulator's classes reachable to its checkpoints
 * (hwsim/federation/graph.ts): a fleet's flight is saved as it is, and a field that nobody thought
 * of would make the resumed flight another one. So no class lists its fields; the bundler adds to
 * each a block that enters the class, with functions that read and write them, into a global map.
 *
 * The sources are formatted: a class begins and ends in the first column, and its members stand in
 * the third.
 */
import { readFileSync } from 'node:fs';

const classPattern = /^(?:export )?(?:abstract )?class (\w+)[^;{}]*\{\n([\s\S]*?)^\}/gm;
const fieldPattern = /^ {2}(?:readonly )?#(\w+)(?:[!?]?:|;| =)/gm;
/** Private methods and accessors too: objects without them cannot call them. */
const privatePattern = /^ {2}(?:readonly |get |set |async |\*)*#\w+/m;
const simulator = /[/\\](?:hwsim|host)[/\\].*\.ts$/;

/** Returns the source with the blocks, on lines that stand there already. */
export function withReachableFields(source, path) {
  return source.replaceAll(classPattern, (text, name, body) => {
    const fields = [...body.matchAll(fieldPattern)].map(([, field]) => field);
    const read = `(o: any) => [${fields.map((field) => `o.#${field}`).join(', ')}]`;
    const write = `(o: any, v: any) => {${fields.map((field, at) => ` o.#${field} = v[${at}];`).join('')} }`;
    const facts = `name: ${JSON.stringify(`${path}/${name}`)}, isPrivate: ${privatePattern.test(body)}`;
    const entry = `{ ${facts}, read: ${read}, write: ${write} }`;
    const map = '((globalThis as any).heliographClasses ??= new Map())';
    return `${text.slice(0, -1)} static { ${map}.set(this, ${entry}); } }`;
  });
}

/** `root`: paths in names of classes begin below it. */
export function reachableFields(root) {
  return {
    name: 'reachable-fields',
    setup(build) {
      build.onLoad({ filter: simulator }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        if (!source.includes('class ')) return undefined;
        const below = path.slice(root.length + 1).replaceAll('\\', '/');
        return { contents: withReachableFields(source, below), loader: 'ts' };
      });
    },
  };
}
