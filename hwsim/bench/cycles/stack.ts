/** Measures a board's stack by its paint, which the board reports over its serial line. */
import { readFileSync } from 'node:fs';
import { readElf } from '../../../host/board/elf.ts';
import type { Target } from '../../../host/board/targets.ts';
import { EmulatorPool } from '../../emulator/pool.ts';
import { BoardSession } from '../../emulator/session.ts';
import { portInputs, type Recording } from '../../emulator/recording.ts';
import { PORT_ASK } from '../../../host/cbor/generated.ts';

const inputsMax = 1500;

/** Returns the greatest depth of the stack over the first inputs of a recording, bytes. */
export function measureStack(target: Target, path: string, recording: Recording): number {
  const pool = new EmulatorPool();
  try {
    const session = new BoardSession({ pool, id: target.name, target, path, elf: readElf(readFileSync(path)) });
    session.untilDone();
    for (const input of portInputs(recording).slice(0, inputsMax)) {
      session.give(input);
      session.untilDone();
    }
    session.give({ kind: 'ask', what: PORT_ASK.stackDepth, index: 0 });
    const answer = session.untilDone().at(-1);
    session.close();
    if (answer?.kind !== 'answer') throw new Error(`${target.name} does not report the depth of its stack`);
    return answer.words[0];
  } finally {
    pool.close();
  }
}
