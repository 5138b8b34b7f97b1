// SEC-4: setting a node's time back does not make old frames acceptable again.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { STATUS } from '../../../host/cbor/generated.ts';
import { cycleAt } from '../../../host/security/cycle.ts';
import { SingleNode } from '../../firmware/single.ts';
import { heartbeatAt } from '../fuzz/steps.ts';
import { sealedFrame } from '../sealed.ts';

const test = suite('time that goes back');
/**
 * After so long alone the node's clock may be off by 20 s: it learns the time anew from any other
 * member.
 */
const nowS = 400_050;
const members = 8;
const claimedS = 100;

test('SEC-4 holds: a frame is not accepted twice when a Byzantine member has set the time back', () => {
  const node = new SingleNode(members, [], 'tiny');
  node.tick(nowS);
  const heard = sealedFrame({ sender: 3, counter: cycleAt(nowS, 3) }, [{ name: 'probe', sequence: 1 }]);
  assert.is(node.receive(heard, nowS), STATUS.ok);
  assert.is(node.receive(heard, nowS), STATUS.replay);
  for (let sample = 0; sample < 3; sample += 1) {
    const lie = sealedFrame({ sender: 2, counter: cycleAt(nowS, 2) - sample }, [heartbeatAt(claimedS, members)]);
    assert.is(node.receive(lie, nowS), STATUS.ok);
  }
  node.tick(nowS);
  assert.is.not(node.receive(heard, nowS), STATUS.ok);
});

test.run();
