/**
 * Compiler transform: reads the line `// @inline` or `// @global` above a firmware function as that
 * decorator.
 *
 * AssemblyScript puts decorators on functions, which TypeScript does not allow: no formatter or
 * linter parses such a file. So the sources carry a comment, and the function gets its decorator
 * after the file was parsed.
 */
import { Node, NodeKind } from 'assemblyscript';
import { Transform } from 'assemblyscript/transform';

const tag = /\/\/ @(inline|global)\s*(export\s*)?$/;
/** Characters before a function's name in which its tag must end. */
const tagCharactersMax = 80;

export default class DecoratorTransform extends Transform {
  afterParse(parser) {
    for (const source of parser.sources) {
      for (const statement of source.statements) {
        if (statement.kind !== NodeKind.FunctionDeclaration) continue;
        const { start } = statement.range;
        const found = tag.exec(source.text.slice(Math.max(0, start - tagCharactersMax), start));
        if (found === null) continue;
        const name = Node.createIdentifierExpression(found[1], statement.range);
        statement.decorators = [Node.createDecorator(name, null, statement.range)];
      }
    }
  }
}
