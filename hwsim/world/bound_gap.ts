import { type Changes, type Constraints, type Program, programOf, solve } from './achievable.ts';
import type { WorldPlan } from './plan.ts';

/**
 * How far the bound of achievable production may be above what a plan achieves. Both are proved by
 * arithmetic of our own on the text that the solver got, so neither trusts it.
 *
 * boundKg: by weak duality. For any prices of the rows, the priced limits and what single variables
 * may still gain at their own limits are no less than any plan. planKg: of a plan that holds every
 * row, under limits of the worst instant of each segment, and in which a whole number of nodes of
 * each class works on a lot at every instant; the nodes of a class take turns.
 */
export interface CertifiedBound {
  boundKg: number;
  planKg: number;
}

/** One row or the limits of one variable: Σ coefficient × variable ≤ limit, or = limit. */
interface Row {
  terms: [name: string, coefficient: number][];
  isEquation: boolean;
  limit: number;
}

interface Rules {
  rows: Row[];
  /** By variable; all are 0 or more. */
  limits: Map<string, number>;
}

const termPattern = /([+-]?)\s*(?:(\d[\d.e+-]*)\s+)?([a-z](?:_\d+)+)/g;
const rowPattern = /^([\s\S]*?) (<?=) (\S+)$/;
const limitPattern = /^0 <= (\w+) <= (\S+)$/;
/** Of the terms of a row: the solver holds rows to within 1e-7. */
const rowTolerance = 1e-6;
/** Nodes: below it a share of a node is none. */
const nodeTolerance = 1e-6;

function rowOf(text: string): Row {
  const [, sum, sign, limit] = text.match(rowPattern)!;
  const terms = [...sum.matchAll(termPattern)].map(([, minus, factor, name]): [string, number] => [
    name,
    (minus === '-' ? -1 : 1) * (factor === undefined ? 1 : Number(factor)),
  ]);
  return { terms, isEquation: sign === '=', limit: Number(limit) };
}

function rulesOf({ rows, bounds }: Constraints): Rules {
  const limits = new Map<string, number>();
  for (const text of bounds) {
    const [, name, limit] = text.match(limitPattern)!;
    limits.set(name, Math.min(limits.get(name) ?? Number.POSITIVE_INFINITY, Number(limit)));
  }
  return { rows: rows.map(rowOf), limits };
}

/** Bounds the production by prices of the rows, whatever they are. */
export function dualBoundKg(constraints: Constraints, mined: readonly string[], prices: readonly number[]): number {
  const { rows, limits } = rulesOf(constraints);
  const gains = new Map<string, number>(mined.map((name) => [name, 1]));
  let boundKg = 0;
  rows.forEach(({ terms, isEquation, limit }, at) => {
    // A row that is no equation has no negative price.
    const price = isEquation ? prices[at] : Math.max(0, prices[at]);
    boundKg += price * limit;
    const limitsEach = !isEquation && terms.every(([, coefficient]) => coefficient > 0);
    for (const [name, coefficient] of terms) {
      gains.set(name, (gains.get(name) ?? 0) - price * coefficient);
      if (limitsEach) limits.set(name, Math.min(limits.get(name) ?? Number.POSITIVE_INFINITY, limit / coefficient));
    }
  });
  for (const [name, gain] of gains) if (gain > 0) boundKg += gain * (limits.get(name) ?? Number.POSITIVE_INFINITY);
  return boundKg;
}

/** Sums the production of a plan. Throws when it breaks a limit. */
export function planKg(constraints: Constraints, mined: readonly string[], plan: ReadonlyMap<string, number>): number {
  const { rows, limits } = rulesOf(constraints);
  const of = (name: string) => plan.get(name) ?? 0;
  for (const { terms, isEquation, limit } of rows) {
    let sum = 0;
    let size = Math.abs(limit) + 1;
    for (const [name, coefficient] of terms) {
      sum += coefficient * of(name);
      size += Math.abs(coefficient * of(name));
    }
    const over = isEquation ? Math.abs(sum - limit) : sum - limit;
    if (over > rowTolerance * size) throw new Error(`no plan: ${terms[0][0]} and others exceed ${limit} by ${over}`);
  }
  for (const [name, value] of plan) {
    const limit = limits.get(name) ?? Number.POSITIVE_INFINITY;
    if (value < -rowTolerance || value > limit + rowTolerance * (limit + 1))
      throw new Error(`no plan: ${name} is ${value}, not 0 to ${limit}`);
  }
  return mined.reduce((sum, name) => sum + of(name), 0);
}

const valuesOf = (columns: Record<string, { Primal?: number }>) =>
  new Map(Object.entries(columns).map(([name, { Primal = 0 }]) => [name, Primal]));

/**
 * Limits what a class mines on a lot to what a whole number of its nodes can: those of a plan with
 * shares of nodes, rounded down; then the greatest rests get a node while class and lot have one.
 */
export function wholeNodes({ segments, classes, lots }: Program, plan: ReadonlyMap<string, number>): string[] {
  const secondsPerDay = 86_400;
  return segments.flatMap(({ fromS, toS, sites }, s) => {
    const days = (toS - fromS) / secondsPerDay;
    const free = classes.map(({ count, up }) => (up[s] ? count : 0));
    const open = new Map(lots.map(({ group }) => [group, sites.get(group) ?? 0]));
    const parts = classes.flatMap(({ plan: { rateKgPerDay } }, c) =>
      lots.map(({ group }) => {
        const name = `m_${s}_${c}_${group}`;
        const share = (plan.get(name) ?? 0) / (rateKgPerDay * days);
        const nodes = Math.floor(share + nodeTolerance);
        free[c] -= nodes;
        open.set(group, open.get(group)! - nodes);
        return { name, c, group, nodes, rest: share - nodes, fullKg: rateKgPerDay * days };
      }),
    );
    for (const part of [...parts].sort((one, other) => other.rest * other.fullKg - one.rest * one.fullKg)) {
      if (part.rest <= nodeTolerance || free[part.c] < 1 || open.get(part.group)! < 1) continue;
      free[part.c] -= 1;
      open.set(part.group, open.get(part.group)! - 1);
      part.nodes += 1;
    }
    return parts.map(({ name, nodes, fullKg }) => `0 <= ${name} <= ${nodes * fullKg}`);
  });
}

/** Certifies the bound of a horizon of `endS` seconds. */
export function certifiedBound(plan: WorldPlan, changes: Changes, endS: number): CertifiedBound {
  const objective = (mined: readonly string[]) => `Maximize\n kg: ${mined.join('\n + ')}`;
  const above = programOf(plan, changes, endS, 'bound');
  const { duals } = solve(objective(above.mined), above.constraints);
  const below = programOf(plan, changes, endS, 'plan');
  const shares = valuesOf(solve(objective(below.mined), below.constraints).columns);
  const { rows, bounds } = below.constraints;
  const whole = { rows, bounds: [...bounds, ...wholeNodes(below, shares)] };
  return {
    boundKg: dualBoundKg(above.constraints, above.mined, duals),
    planKg: planKg(whole, below.mined, valuesOf(solve(objective(below.mined), whole).columns)),
  };
}
