/** Parses TypeScript and AssemblyScript sources into trees whose nodes know their place. */
import { parseSync } from 'oxc-parser';

/** A node of an ESTree; `start` and `end` are offsets into the source. */
export interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

/** Parses a source. Throws with the path and the parser's message when it has a syntax error. */
export function parseSource(path: string, text: string): SyntaxNode {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0].message}`);
  return program as unknown as SyntaxNode;
}

/** True for a value that is a node of the tree. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** Fields of a node that hold types and decorators: nothing in them is executed. */
const typeFields = new Set(['typeAnnotation', 'typeArguments', 'typeParameters', 'returnType', 'decorators']);

/** Children of a node that are executed, with the field that holds each. */
export function childrenOf(node: SyntaxNode): { field: string; child: SyntaxNode }[] {
  const found: { field: string; child: SyntaxNode }[] = [];
  for (const [field, value] of Object.entries(node)) {
    if (typeFields.has(field)) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) found.push({ field, child });
  }
  return found;
}
