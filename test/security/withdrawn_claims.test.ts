// SEC-5, INT-5: forged withdrawals of claims that no digest contains yet.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CUT_LAG_S, INTENT_STATE } from '../../host/cbor/generated.ts';
import { TestCluster } from '../firmware/cluster.ts';
import { claimOf, HOUR, lot } from '../firmware/driven.ts';

const withdrawals = suite('SEC-5: forged withdrawals of young claims');

const member = 0;
const owner = 1;
const BYZANTINE = 3;
/** The begin of a round, and its cut. */
const beginS = 2 * HOUR;
const cutS = beginS - CUT_LAG_S;
const claimS = cutS - 30;

/**
 * Whether a member stores a withdrawal, forged with this publication time, of a claim of before
 * the cut.
 */
function isStored(publishedS: number): boolean {
  const cluster = new TestCluster({ nodes: 5, features: 0, groups: [lot], signs: true });
  cluster.runTo(cutS + 30);
  const claim = claimOf(owner, claimS);
  cluster.inject(member, owner, [claim]);
  assert.is(cluster.nodes[member].intent(owner, 0)?.state, INTENT_STATE.claimed);
  const version = claim.version + 1;
  cluster.inject(member, BYZANTINE, [{ ...claim, state: INTENT_STATE.withdrawn, version, publishedS }]);
  return cluster.nodes[member].intent(owner, 0)?.version === version;
}

withdrawals('INT-5 holds: no node agrees to a claim while it stores a forged withdrawal of after the cut', () => {
  assert.is(isStored(cutS + 30), false);
});

withdrawals('SEC-5 holds: a withdrawal of before the first cut after its claim needs no statement', () => {
  assert.is(isStored(cutS - 1), true);
});

withdrawals.run();
