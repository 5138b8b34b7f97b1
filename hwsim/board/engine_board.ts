import type { Engine } from '../../host/engine/engine.ts';
import { type Controller, deadlineNotAsked, type FirmwareInput, type Reply } from './controller.ts';
import { ReferenceLoop } from './reference_loop.ts';
import { SlotMemory } from './slot_memory.ts';
import type { PortOutput } from './port.ts';
import { PORT_ASK } from '../../host/cbor/generated.ts';

/** Collects a board's outputs into replies. */
export class ReplyGatherer {
  #reply: Reply = blank();

  /** Adds an output. Returns the reply when this was its last output, else null. */
  add(output: PortOutput): Reply | null {
    const reply = this.#reply;
    if (output.kind === 'frame' || output.kind === 'record') {
      reply.outputs.push(output);
      return null;
    }
    if (output.kind === 'done') {
      reply.status = output.status;
      reply.deadlineMs = output.deadlineMs;
      reply.hash = output.hash;
    } else if (output.kind === 'trapped') reply.trap = { site: output.site, reason: output.reason };
    else return null;
    this.#reply = blank();
    return reply;
  }
}

function blank(): Reply {
  return { outputs: [], status: 0, deadlineMs: deadlineNotAsked, hash: 0, trap: null };
}

/**
 * A controller whose image runs on an engine of this process, with another preset than the rest of
 * the cluster.
 */
export class EngineBoard implements Controller {
  readonly #loop: ReferenceLoop;
  readonly #memory = new SlotMemory();
  readonly #gatherer = new ReplyGatherer();
  #reply: Reply | null = null;

  constructor(engine: Engine) {
    this.#loop = new ReferenceLoop(engine, this.#memory);
  }

  give(input: FirmwareInput): void {
    this.#loop.handle(input, (output) => {
      this.#reply = this.#gatherer.add(output);
    });
  }

  reply(): Reply {
    const reply = this.#reply;
    if (reply === null) throw new Error('a board was asked for a reply before it got an input');
    this.#reply = null;
    return reply;
  }

  inspect(what: number, index: number): number[] {
    let words: number[] = [];
    this.#loop.handle({ kind: 'ask', what: PORT_ASK.inspect + what, index }, (output) => {
      if (output.kind === 'answer') words = output.words;
    });
    return words;
  }

  reset(): void {
    this.#loop.reset();
  }

  powerOff(): void {
    this.#loop.reset();
  }

  corrupt(age: 0 | 1): void {
    this.#memory.corrupt(age);
  }

  keepStore(): void {
    this.#memory.keep();
  }

  undoStore(): void {
    this.#memory.undo();
  }
}
