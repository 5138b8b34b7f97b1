/**
 * Makes mutants: small changes of meaning, each at one place of a source. An operator looks at one
 * node of the syntax tree and its parents and names the changes that it can make there.
 */
import { createHash } from 'node:crypto';
import { childrenOf, isNode, parseSource, type SyntaxNode } from './syntax.ts';

export type Operator =
  | 'border'
  | 'dropped-guard'
  | 'dropped-term'
  | 'negation'
  | 'removal'
  | 'constant'
  | 'swap'
  | 'named';

/** One change at one place. */
export interface Change {
  operator: Operator;
  start: number;
  end: number;
  /** What stands there in the mutant; null: the statement is left out. */
  mutated: string | null;
}

export interface Mutant extends Change {
  /** Stable while the function does not change: file, function, operator, digest, and place. */
  id: string;
  path: string;
  room: string;
  line: number;
  original: string;
}

/** A node with what stands around it, the nearest parent last. */
interface Place {
  text: string;
  node: SyntaxNode;
  field: string;
  parents: readonly SyntaxNode[];
}

const borders: Record<string, string> = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const opposites: Record<string, string> = { '==': '!=', '!=': '==', '===': '!==', '!==': '===' };
/** Calls whose literal arguments the compiler needs as constants. */
const constantCalls = /^(load|store|offsetof|sizeof|alignof|changetype|ERROR)$/;

/** Sums of these are places in a buffer: wrong ones break any test, and no rule is about them. */
const layoutName = /_(AT|BYTES|BYTES_MAX)$/;

const textOf = (text: string, node: SyntaxNode) => text.slice(node.start, node.end);
const parentOf = ({ parents }: Place) => parents.at(-1)!;

/** Names in an expression; of a member expression only the object. */
function namesIn(node: SyntaxNode): string[] {
  if (node.type === 'Identifier') return [String(node.name)];
  if (node.type === 'MemberExpression') return namesIn(node.object as SyntaxNode);
  return childrenOf(node).flatMap(({ child }) => namesIn(child));
}

/** True when the compiler knows the value: only constants of the build are named. */
function isKnownAtBuild(node: SyntaxNode): boolean {
  return namesIn(node).every((name) => /^[A-Z][A-Z0-9_]*$/.test(name));
}

function binaryChange({ text, node }: Place): Change[] {
  if (node.type !== 'BinaryExpression') return [];
  const { left, right, operator } = node as unknown as { left: SyntaxNode; right: SyntaxNode; operator: string };
  const a = textOf(text, left);
  const b = textOf(text, right);
  const change = (kind: Operator, mutated: string) => ({ operator: kind, start: node.start, end: node.end, mutated });
  if (borders[operator]) return [change('border', `${a} ${borders[operator]} ${b}`)];
  if (opposites[operator] && !isKnownAtBuild(node)) return [change('negation', `${a} ${opposites[operator]} ${b}`)];
  // Strings are joined by `+`, too: dropping a part of a text is no change of a rule.
  const isText = /['"`]/.test(textOf(text, node));
  const isSum = (operator === '+' || operator === '-') && !isText && !isKnownAtBuild(node);
  if (isSum && !namesIn(node).some((name) => layoutName.test(name))) return [change('dropped-term', a)];
  return [];
}

function logicalChange({ text, node }: Place): Change[] {
  if (node.type !== 'LogicalExpression' || node.operator === '??') return [];
  return [node.left, node.right]
    .filter((kept, index) => !isKnownAtBuild([node.right, node.left][index] as SyntaxNode) && isNode(kept))
    .map((kept) => ({
      operator: 'dropped-term',
      start: node.start,
      end: node.end,
      mutated: textOf(text, kept as SyntaxNode),
    }));
}

/** Keeps one side of `min(a, b)` and `max(a, b)`. */
function boundChange({ text, node }: Place): Change[] {
  if (node.type !== 'CallExpression') return [];
  const callee = textOf(text, node.callee as SyntaxNode);
  const sides = node.arguments as SyntaxNode[];
  if (!/^(Math\.)?(min|max)$/.test(callee) || sides.length !== 2 || sides[0].type === 'SpreadElement') return [];
  return sides.map((side) => ({
    operator: 'dropped-term',
    start: node.start,
    end: node.end,
    mutated: textOf(text, side),
  }));
}

function conditionChange(place: Place): Change[] {
  const { text, node, field } = place;
  const parent = parentOf(place);
  if (field !== 'test' || isKnownAtBuild(node)) return [];
  const at = { start: node.start, end: node.end };
  const test = textOf(text, node);
  const changes: Change[] = [];
  if (parent.type === 'IfStatement') changes.push({ operator: 'dropped-guard', ...at, mutated: 'false' });
  const isComparison = node.type === 'BinaryExpression' && opposites[node.operator as string] !== undefined;
  if (parent.type === 'IfStatement' && !isComparison)
    changes.push({ operator: 'negation', ...at, mutated: `!(${test})` });
  return changes;
}

function branchChange({ text, node }: Place): Change[] {
  if (node.type !== 'ConditionalExpression' || isKnownAtBuild(node.test as SyntaxNode)) return [];
  const [test, yes, no] = [node.test, node.consequent, node.alternate].map((part) => textOf(text, part as SyntaxNode));
  return [{ operator: 'swap', start: node.start, end: node.end, mutated: `${test} ? ${no} : ${yes}` }];
}

/** Leaves out a statement, but for what ends a loop: that mutant would only never end. */
function statementChange({ node, parents }: Place): Change[] {
  if (node.type !== 'ExpressionStatement' || (node.expression as SyntaxNode).type === 'Literal') return [];
  const expression = node.expression as SyntaxNode;
  const target = (expression.left ?? expression.argument) as SyntaxNode | undefined;
  const written = target === undefined ? [] : namesIn(target);
  const tests = parents.filter(({ type }) => /^(While|DoWhile|For)Statement$/.test(type)).map(({ test }) => test);
  const endsLoop = tests.some((test) => isNode(test) && namesIn(test).some((name) => written.includes(name)));
  return endsLoop ? [] : [{ operator: 'removal', start: node.start, end: node.end, mutated: null }];
}

function constantChange(place: Place): Change[] {
  const { text, node, field } = place;
  const parent = parentOf(place);
  if (node.type !== 'Literal' || typeof node.value !== 'number' || !Number.isSafeInteger(node.value)) return [];
  if (parent.type === 'CallExpression' && constantCalls.test(textOf(text, parent.callee as SyntaxNode))) return [];
  if (parent.type === 'BinaryExpression' && namesIn(parent).some((name) => layoutName.test(name))) return [];
  if (parent.type === 'SwitchCase' || (parent.type === 'Property' && field === 'key')) return [];
  // Down where that is possible, so that a bound becomes stricter or a term is lost.
  const mutated = node.value > 0 ? node.value - 1 : 1;
  return [{ operator: 'constant', start: node.start, end: node.end, mutated: String(mutated) }];
}

const operators = [
  binaryChange,
  logicalChange,
  boundChange,
  conditionChange,
  branchChange,
  statementChange,
  constantChange,
];

const functionTypes = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
/** What an error says is not a rule. */
const skippedTypes = new Set(['ThrowStatement', 'NewExpression', 'TemplateLiteral', 'ImportDeclaration']);

function nameOf(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  const named = (node.id ?? parent?.key ?? parent?.id) as SyntaxNode | undefined;
  return named?.type === 'Identifier' || named?.type === 'PrivateIdentifier' ? String(named.name) : '';
}

/** All changes that the operators make inside the functions of a source, in the order of places. */
export function changesIn(path: string, text: string): (Change & { inside: string })[] {
  const found: (Change & { inside: string })[] = [];
  const visit = (node: SyntaxNode, field: string, parents: SyntaxNode[], inside: string) => {
    if (skippedTypes.has(node.type) || node.type.startsWith('TSEnum')) return;
    if (inside !== '')
      for (const operator of operators)
        for (const change of operator({ text, node, field, parents })) found.push({ ...change, inside });
    const isFunction = functionTypes.has(node.type);
    const name = isFunction ? nameOf(node, parents.at(-1)) || inside || 'unnamed' : inside;
    for (const { field: at, child } of childrenOf(node)) {
      // The default of a parameter is no statement of the function.
      if (isFunction && at === 'params') continue;
      visit(child, at, [...parents, node], isFunction && at !== 'body' ? inside : name);
    }
  };
  visit(parseSource(path, text), '', [], '');
  return found.sort((a, b) => a.start - b.start || b.end - a.end);
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8);

/** The mutants of one source. `room` names the part of the project to which it belongs. */
export function mutantsOf(path: string, text: string, room: string): Mutant[] {
  const counts = new Map<string, number>();
  return changesIn(path, text).map(({ inside, ...change }) => {
    const original = text.slice(change.start, change.end);
    const stem = `${path}:${inside}:${change.operator}:${digestOf(`${original}→${change.mutated}`)}`;
    const count = (counts.get(stem) ?? 0) + 1;
    counts.set(stem, count);
    const line = text.slice(0, change.start).split('\n').length;
    return { ...change, id: `${stem}:${count}`, path, room, line, original };
  });
}
