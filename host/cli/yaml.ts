// Reads YAML in bounded time and memory: files of strangers must neither exhaust the machine nor
// end the process. The parser recurses with each level of nesting and resolves aliases into values
// that may be larger than any file, so both are bounded before it builds anything.

import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  Lexer,
  LineCounter,
  Parser,
  parseDocument,
} from 'yaml';
import type { Document, ParsedNode, YAMLMap } from 'yaml';

/** Levels of collections in collections. A scenario has five. */
const nestingMax = 64;
/** Values of a document once its aliases are written out. */
const valuesMax = 100_000;

/** Reports text that is no YAML, or YAML beyond the bounds. The message ends with the next step. */
export class YamlFault extends Error {
  /** Position in the text; both count from 1. */
  readonly line: number;
  readonly column: number;

  constructor(counter: LineCounter, offset: number, message: string) {
    super(message);
    const { line, col } = counter.linePos(offset);
    this.line = Math.max(1, line);
    this.column = Math.max(1, col);
  }
}

export interface YamlText {
  readonly document: Document<ParsedNode>;
  readonly counter: LineCounter;
  /** The document as plain values. */
  readonly value: unknown;
}

/** Reads one YAML document. Throws YamlFault at the first fault. */
export function readYaml(text: string): YamlText {
  const counter = new LineCounter();
  refuseDeepNesting(text, counter);
  // Duplicate keys are found below: the parser compares each key with all before it.
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, uniqueKeys: false });
  // The first error of a YAML file is the cause; later errors mostly follow from it.
  const [error] = document.errors;
  if (error?.code === 'MULTIPLE_DOCS')
    throw new YamlFault(counter, error.pos[0], 'a second document begins here (a file has one: leave it out)');
  if (error !== undefined) throw new YamlFault(counter, error.pos[0], `${error.message} (correct the syntax)`);
  if (document.contents !== null) new Measure(counter).valuesOf(document.contents, 0);
  return { document, counter, value: document.toJS({ maxAliasCount: -1 }) };
}

/** Counts the levels with the parser's first stage, which keeps a stack of its own. */
function refuseDeepNesting(text: string, counter: LineCounter): void {
  const lexer = new Lexer();
  const parser = new Parser(counter.addNewLine);
  counter.addNewLine(0);
  for (const lexeme of lexer.lex(text)) {
    // The tokens are of no interest: the generator is run for its effect on the stack.
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > nestingMax)
      throw new YamlFault(counter, parser.offset, `has more than ${nestingMax} levels (nest less deeply)`);
  }
  counter.lineStarts.length = 0;
}

/** What a node becomes once its aliases are written out. */
interface Size {
  readonly values: number;
  readonly levels: number;
}

/** Measures a document without writing its aliases out: each node is visited once. */
class Measure {
  readonly #counter: LineCounter;
  readonly #anchors = new Map<string, ParsedNode>();
  readonly #sizes = new Map<ParsedNode, Size>();

  constructor(counter: LineCounter) {
    this.#counter = counter;
  }

  valuesOf(node: ParsedNode, level: number): Size {
    if (isAlias(node)) return this.#aliasSize(node, level);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    let values = 1;
    let levels = 1;
    if (isMap(node)) this.#checkKeys(node as YAMLMap.Parsed);
    for (const child of childrenOf(node)) {
      const size = this.valuesOf(child, level + 1);
      values += size.values;
      if (values > valuesMax)
        this.#refuse(child, `makes more than ${valuesMax} values, aliases written out (write fewer)`);
      levels = Math.max(levels, size.levels + 1);
    }
    const size = { values, levels };
    this.#sizes.set(node, size);
    return size;
  }

  #aliasSize(node: ParsedNode & { source: string }, level: number): Size {
    const { source } = node;
    const target = this.#anchors.get(source);
    if (target === undefined) this.#refuse(node, `alias *${source} has no anchor before it (define &${source} first)`);
    const size = this.#sizes.get(target);
    if (size === undefined) this.#refuse(node, `alias *${source} contains itself (write the value out)`);
    if (level + size.levels > nestingMax)
      this.#refuse(node, `alias *${source} makes more than ${nestingMax} levels (nest less deeply)`);
    return size;
  }

  /** Refuses keys that come twice, and keys that are no words: of those JavaScript makes others. */
  #checkKeys({ items }: YAMLMap.Parsed): void {
    const keys = new Set<unknown>();
    for (const { key } of items) {
      if (key === null) continue;
      if (!isScalar(key)) this.#refuse(key, 'a key is a list, a map or an alias (write a word)');
      if (keys.has(key.value)) this.#refuse(key, `the key ${shortened(String(key.value))} comes twice (remove one)`);
      keys.add(key.value);
    }
  }

  #refuse(node: ParsedNode, message: string): never {
    throw new YamlFault(this.#counter, node.range[0], message);
  }
}

/** Lists the nodes inside a collection in the order of the text, keys included. */
function childrenOf(node: ParsedNode): ParsedNode[] {
  if (!isCollection(node)) return [];
  const items = (node.items as unknown[]).flatMap((item) => (isPair(item) ? [item.key, item.value] : [item]));
  return items.filter((item): item is ParsedNode => isNode(item));
}

const shownMax = 60;

/** Shortens text of a file for a message. */
export function shortened(text: string): string {
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}
