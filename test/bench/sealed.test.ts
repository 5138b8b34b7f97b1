import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sealedRate } from '../../hwsim/bench/sealed.ts';
import { FRAME_BYTES_MAX } from '../../host/cbor/generated.ts';
import { readImage } from '../../host/engine/image.ts';
import { outputBytes } from '../../host/platform/loop.ts';
import type { Engine } from '../../host/engine/engine.ts';
import { createV8Engine } from '../../host/engine/v8.ts';

const engineOf = (image: 'flight' | 'fleet'): Engine => createV8Engine(readImage(image));
const short = { members: 5, turns: 1 };

test('SEC-1 holds: nodes seal and open frames for each other, with the cipher and with the null cipher', () => {
  const sealed = sealedRate(engineOf('flight'), short);
  assert.ok(sealed.framesPerS > 0 && Number.isFinite(sealed.framesPerS));
  assert.ok(sealed.frameBytes > 48 && sealed.frameBytes <= FRAME_BYTES_MAX, `${sealed.frameBytes}`);
  assert.is(sealedRate(engineOf('fleet'), short).frameBytes, sealed.frameBytes);
});

test('SEC-1 violated: a frame that does not open ends the measurement', () => {
  const engine = engineOf('flight');
  const { transmit } = engine.calls;
  const corrupting: Engine = {
    ...engine,
    calls: {
      ...engine.calls,
      transmit(ctx, nowS, nowMs, out, capacity) {
        const length = transmit(ctx, nowS, nowMs, out, capacity);
        if (outputBytes(length) > 0) engine.view()[out + 30] ^= 1;
        return length;
      },
    },
  };
  assert.throws(() => sealedRate(corrupting, short), /refuses a frame with status 2 /);
});

test.run();
