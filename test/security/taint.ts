/**
 * Where secrets go in compiled code: everything that is loaded from memory counts as secret,
 * whatever is computed from it too; parameters given from outside (addresses, lengths, words of the
 * nonce) do not. It reports every branch, choice and address that depends on a secret.
 *
 * Follows the text that the AssemblyScript compiler writes, an instruction a line, through all ways
 * that blocks, loops and calls can take, until nothing changes any more. An instruction that it
 * does not know is an error, so that nothing is passed over.
 */

interface Node {
  readonly op: string;
  readonly argument: string;
  readonly body: Node[];
  readonly otherwise: Node[];
}

interface Procedure {
  readonly name: string;
  readonly parameters: boolean[];
  readonly locals: number;
  readonly body: Node[];
  hasResult: boolean;
  result: boolean;
}

/** Secret or not, of locals by number; null: this place is not reached. */
type State = boolean[] | null;

const binary =
  /^i(32|64)\.(add|sub|mul|and|or|xor|shl|shr_u|shr_s|rotl|rotr|eq|ne|lt_u|gt_u|le_u|ge_u|lt_s|gt_s|le_s|ge_s)$/;
const unary = /^i(32|64)\.(eqz|wrap_i64|extend_i32_u|extend_i32_s|popcnt|clz|ctz)$/;

function parseBody(lines: string[]): Node[] {
  const nodes: Node[] = [];
  while (lines.length > 0) {
    const [op, argument = ''] = lines.shift()!.split(' ');
    if (op === 'end' || op === 'else') {
      lines.unshift(op);
      return nodes;
    }
    const node: Node = { op, argument, body: [], otherwise: [] };
    nodes.push(node);
    if (op !== 'block' && op !== 'loop' && op !== 'if') continue;
    node.body.push(...parseBody(lines));
    if (lines.shift() === 'else') {
      node.otherwise.push(...parseBody(lines));
      lines.shift();
    }
  }
  return nodes;
}

function parse(text: string): Map<string, Procedure> {
  const procedures = new Map<string, Procedure>();
  for (const [, name, head, body] of text.matchAll(/^ \(func (\S+)(.*)\n([\s\S]*?)^ \)$/gm)) {
    const lines = body.split('\n').map((line) => line.trim());
    const locals = lines.filter((line) => line.startsWith('(local ')).length;
    const parameters = [...head.matchAll(/\(param /g)].map(() => false);
    const code = lines.filter((line) => line !== '' && !line.startsWith('('));
    procedures.set(name, {
      name,
      parameters,
      locals,
      body: parseBody(code),
      hasResult: head.includes('(result'),
      result: false,
    });
  }
  return procedures;
}

const merged = (one: State, other: State): State =>
  one === null ? other : other === null ? one : one.map((secret, index) => secret || other[index]);

/**
 * Runs over all procedures that `entry` reaches. Returns `procedure: instruction` of all that
 * depends on secrets, in order of names.
 */
export function dependsOnSecrets(text: string, entries: readonly string[]): string[] {
  const walk = new Walk(parse(text));
  return walk.run(entries);
}

class Walk {
  readonly #procedures: Map<string, Procedure>;
  #found = new Set<string>();
  #changed = false;
  #stack: boolean[] = [];
  #state: State = null;
  /** Open blocks: what is known at the place that a branch to them goes to. */
  #labels: { name: string; at: State }[] = [];
  #procedure!: Procedure;
  #reached = new Set<string>();

  constructor(procedures: Map<string, Procedure>) {
    this.#procedures = procedures;
  }

  run(entries: readonly string[]): string[] {
    for (const entry of entries) if (!this.#procedures.has(entry)) throw new Error(`there is no function ${entry}`);
    for (const entry of entries) this.#reached.add(entry);
    do {
      this.#changed = false;
      this.#found = new Set();
      for (const name of [...this.#reached]) this.#procedureOf(this.#procedures.get(name)!);
    } while (this.#changed);
    return [...this.#found].sort();
  }

  #procedureOf(procedure: Procedure): void {
    this.#procedure = procedure;
    this.#state = [...procedure.parameters, ...Array.from({ length: procedure.locals }, () => false)];
    this.#stack = [];
    this.#labels = [];
    this.#sequence(procedure.body);
    if (procedure.hasResult && this.#stack.length > 0) this.#result(this.#pop());
  }

  #result(secret: boolean): void {
    if (!secret || this.#procedure.result) return;
    this.#procedure.result = true;
    this.#changed = true;
  }

  #sequence(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (this.#state === null) return;
      this.#step(node);
    }
  }

  #pop(): boolean {
    const secret = this.#stack.pop();
    if (secret === undefined)
      throw new Error(`${this.#procedure.name}: more is taken from the stack than was put there`);
    return secret;
  }

  #public(secret: boolean, node: Node): void {
    if (secret) this.#found.add(`${this.#procedure.name}: ${node.op}`);
  }

  #step(node: Node): void {
    const { op, argument } = node;
    if (op.endsWith('.const') || op === 'global.get') this.#stack.push(false);
    else if (op === 'local.get') this.#stack.push(this.#state![this.#local(argument)]);
    else if (op === 'local.set') this.#state![this.#local(argument)] = this.#pop();
    else if (op === 'local.tee') this.#state![this.#local(argument)] = this.#stack[this.#stack.length - 1];
    else if (op === 'drop') this.#pop();
    else if (binary.test(op)) this.#stack.push([this.#pop(), this.#pop()].includes(true));
    else if (unary.test(op)) this.#stack.push(this.#pop());
    else if (/^i(32|64)\.load/.test(op)) {
      this.#public(this.#pop(), node);
      this.#stack.push(true);
    } else if (/^i(32|64)\.store/.test(op)) {
      this.#pop();
      this.#public(this.#pop(), node);
    } else if (op === 'select') {
      this.#public(this.#pop(), node);
      this.#stack.push([this.#pop(), this.#pop()].includes(true));
    } else if (op === 'memory.fill' || op === 'memory.copy')
      for (let i = 0; i < 3; i += 1) this.#public(this.#pop(), node);
    else if (op === 'call') this.#call(argument);
    else this.#control(node);
  }

  #control(node: Node): void {
    const { op, argument } = node;
    if (op === 'if') this.#choice(node);
    else if (op === 'block') this.#block(node);
    else if (op === 'loop') this.#loop(node);
    else if (op === 'br' || op === 'br_if') {
      if (op === 'br_if') this.#public(this.#pop(), node);
      const label = this.#labels.findLast(({ name }) => name === argument);
      if (label === undefined) throw new Error(`${this.#procedure.name}: a branch to ${argument}, which is not open`);
      label.at = merged(label.at, this.#state!.slice());
      if (op === 'br') this.#state = null;
    } else if (op === 'return') {
      if (this.#procedure.hasResult) this.#result(this.#pop());
      this.#state = null;
    } else throw new Error(`${this.#procedure.name}: ${op} is not known here`);
  }

  #local(argument: string): number {
    return Number(argument.slice(1));
  }

  #choice(node: Node): void {
    this.#public(this.#pop(), node);
    const before = this.#state!.slice();
    const depth = this.#stack.length;
    this.#sequence(node.body);
    const [after, left] = [this.#state, this.#stack.splice(depth)];
    this.#state = before;
    this.#sequence(node.otherwise);
    const others = this.#stack.splice(depth);
    const longer = left.length > others.length ? left : others;
    this.#stack.push(...longer.map((_, index) => Boolean(left[index]) || Boolean(others[index])));
    this.#state = merged(after, this.#state);
  }

  #block(node: Node): void {
    const label = { name: node.argument, at: null as State };
    this.#labels.push(label);
    this.#sequence(node.body);
    this.#labels.pop();
    this.#state = merged(this.#state, label.at);
  }

  /** Repeats a loop until the taint that returns to its head changes no more. */
  #loop(node: Node): void {
    const label = { name: node.argument, at: this.#state };
    const depth = this.#stack.length;
    for (let before = ''; ; ) {
      this.#state = label.at!.slice();
      this.#stack.length = depth;
      this.#labels.push(label);
      this.#sequence(node.body);
      this.#labels.pop();
      const now = JSON.stringify(label.at);
      if (now === before) return;
      before = now;
    }
  }

  #call(name: string): void {
    const called = this.#procedures.get(name);
    if (called === undefined) throw new Error(`${this.#procedure.name}: calls ${name}, which is not here`);
    if (!this.#reached.has(name)) {
      this.#reached.add(name);
      this.#changed = true;
    }
    for (let index = called.parameters.length - 1; index >= 0; index -= 1) {
      if (!this.#pop() || called.parameters[index]) continue;
      called.parameters[index] = true;
      this.#changed = true;
    }
    if (called.hasResult) this.#stack.push(called.result);
  }
}
