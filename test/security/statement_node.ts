/** A node whose platform signs and verifies statements when the test says so. */
import * as assert from 'uvu/assert';
import {
  FEATURE,
  INSPECT,
  type Intent,
  ROUND_S,
  SIGNATURE_BYTES,
  type Statement,
  STATUS,
  TYPE,
} from '../../host/cbor/generated.ts';
import { intentDigest, statementOf } from '../../host/security/statement.ts';
import { Company } from '../firmware/company.ts';

export const signature = new Uint8Array(SIGNATURE_BYTES).fill(5);

/** A node that knows a majority, at 30 s of a round; its platform answers nothing by itself. */
export function agreed(members = 6): Company {
  const company = new Company({ config: { members, features: FEATURE.signs } });
  company.runTo(company.nowS + 5 * ROUND_S + 30);
  return company;
}

/** The requests for signatures, or for their verification, since `fromS`: ticket of each. */
export const asked = (company: Company, type: number, fromS = 0) =>
  company.commands.filter(({ atS, fields }) => atS >= fromS && fields[0] === type).map(({ fields }) => fields[1]);

export const statementAt = (company: Company, ticket: number) =>
  statementOf(Uint32Array.from(company.node.inspect(INSPECT.statement, ticket)));

/** Answers the last request to verify. */
export function verify(company: Company, ok: 0 | 1 = 1): void {
  const ticket = asked(company, TYPE.verify).at(-1);
  assert.ok(ticket !== undefined, 'a statement is to be verified');
  assert.is(company.observe({ name: 'verified', ticket, ok }), STATUS.ok);
}

/** Signs what the node asks for, now and once more for each that follows; how many there were. */
export function sign(company: Company): number {
  for (let count = 0; ; count += 1) {
    const { length } = company.commands;
    const ticket = company.commands.filter(({ fields }) => fields[0] === TYPE.sign).at(-1)?.fields[1];
    if (ticket === undefined) return count;
    company.observe({ name: 'signed', ticket, signature });
    company.commands.splice(
      0,
      length,
      ...company.commands.slice(0, length).filter(({ fields }) => fields[0] !== TYPE.sign),
    );
  }
}

/** A statement of an owner on a version; null: that it has none there. */
export function statementOn(intent: Intent, atS: number, changes: Partial<Statement> = {}): Statement {
  const { owner, slot, version } = intent;
  return { name: 'statement', owner, slot, version, atS, digest: intentDigest(intent), signature, ...changes };
}

/** Gives the node a statement, which the platform finds true. */
export function proven(company: Company, statement: Statement, sender = statement.owner): void {
  const before = asked(company, TYPE.verify).length;
  company.deliver(sender, [statement]);
  assert.is(asked(company, TYPE.verify).length, before + 1, 'it is to be verified');
  verify(company);
}

export const stored = (company: Company, owner: number, slot = 0) => company.node.intent(owner, slot);
export const counted = (company: Company, counter: number) => company.node.lossCount(counter);
