/** What was seen of one injection in the forked cluster: all that its judge knows. */
export interface Evidence {
  /** The injected node's first output that was not the golden one. */
  first: { kind: 'trap' | 'hang' | 'output'; op: string; site: number; timeMs: number };
  /**
   * Frames with wrong content that another node accepted with an effect on its state, before the
   * fault was detected or after the node was back.
   */
  propagated: { count: number; example: string };
  /** Commands that only one of the injected and the uncorrupted state gives. */
  wrongCommands: { count: number; example: string };
  /**
   * Events, statuses and frames that differ from the uncorrupted state's and that nobody accepted.
   */
  wrongOthers: { count: number; example: string; lastMs: number };
  /** Right frames that the node took for damaged: to it they are lost, as on a bad link. */
  refused: number;
  /** Right contents at another time, frames that were not sent at all, and other times to wake. */
  mistimed: { count: number; example: string };
  /** From the last frame of the injected node to the end, ms. */
  silentMs: number;
  /** How the injected node or its watchdog first noticed. */
  detection: Detection | null;
  /** Reported as `upset`: bits corrected in place; records discarded, to be fetched again. */
  corrected: number;
  discarded: number;
  /** When the runtime took calls again after the detection, ms; null: never. */
  bootedMs: number | null;
  /** From when on all live nodes agreed again for half an hour without a break, ms; null: never. */
  agreedMs: number | null;
  /**
   * Time after the detection in which a storm silenced the radio, so that nobody could agree, ms.
   */
  excusedMs: number;
  /** The node could not even boot. */
  diesBooting: boolean;
  endMs: number;
}

/**
 * How a fault was detected. trap: an assertion. hang: a loop that did not end. watchdog: it
 * expired. ladder: the firmware's own escalation. checkpoint: one was refused. upset: reported as
 * corrected. discarded: a record was reported as discarded.
 */
export interface Detection {
  by: 'trap' | 'hang' | 'watchdog' | 'ladder' | 'checkpoint' | 'upset' | 'discarded';
  site: number;
  timeMs: number;
}

export const noEvidence = (): Evidence => ({
  first: { kind: 'output', op: '', site: 0, timeMs: 0 },
  propagated: { count: 0, example: '' },
  wrongCommands: { count: 0, example: '' },
  wrongOthers: { count: 0, example: '', lastMs: 0 },
  refused: 0,
  mistimed: { count: 0, example: '' },
  silentMs: 0,
  detection: null,
  corrected: 0,
  discarded: 0,
  bootedMs: null,
  agreedMs: null,
  excusedMs: 0,
  diesBooting: false,
  endMs: 0,
});
