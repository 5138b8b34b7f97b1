// needs: boards
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { portInputs, recordNode } from '../../hwsim/emulator/recording.ts';
import { buildBoard } from '../../host/board/build.ts';
import { readElf } from '../../host/board/elf.ts';
import { FlipInjector } from '../../hwsim/campaign/board/instruction_flip.ts';
import { EmulatorPool } from '../../hwsim/emulator/pool.ts';

const recording = recordNode({ scenario: 'quiet', preset: 'flight', nodes: 20, node: 7, days: 0.03, seed: 1 });
const inputs = portInputs(recording).slice(0, 120);
const pool = new EmulatorPool(20);
const protection = 4;

/**
 * The register that holds the origin of linear memory, and a bit of it whose flip moves all
 * accesses to memory of the board's loop or to non-volatile memory.
 */
const wrongAccesses = [
  { name: 'm7', register: 'r9', bit: 30 },
  { name: 'rv64', register: 'x27', bit: 23 },
  { name: 'rv32', register: 'x27', bit: 23 },
] as const;

for (const { name, register, bit } of wrongAccesses)
  test(`BRD-1 violated: on ${name} an access outside linear memory causes a trap`, async () => {
    const { target, elf: path, sizes } = await buildBoard(name);
    assert.ok(target.protectsMemory);
    const injector = new FlipInjector({ pool, target, path, elf: readElf(readFileSync(path)), inputs });
    const call = injector.golden().calls.findIndex((each, index) => index > 20 && each.op === 'tick');
    const { outcome } = injector.inject({ time: { call, at: 5 }, place: { register }, bit });
    assert.is(outcome.kind, 'trap', JSON.stringify(outcome));
    assert.is(
      'reason' in outcome ? outcome.reason : null,
      protection,
      `${sizes.codeBytes} bytes of code: ${JSON.stringify(outcome)}`,
    );
  });

test.run();
