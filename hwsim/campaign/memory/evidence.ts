/** What was seen of one injection in the forked cluster: all that its judge knows. */
export interface Evidence {
  /** The struck node's first output that was not the golden one. */
  first: { kind: 'trap' | 'hang' | 'output'; op: string; site: number; timeMs: number };
  /** Frames with wrong content that another node accepted with an effect on its state, before the fault was detected or after the node was back. */
  propagated: { count: number; example: string };
  /** Commands that the uncorrupted state does not give, or gives and the struck one does not. */
  wrongCommands: { count: number; example: string };
  /** Events, statuses and frames that nobody took in, which differ from the uncorrupted state's. */
  wrongOthers: { count: number; example: string; lastMs: number };
  /** Right frames that the node took for damaged: to it they are lost, as on a bad link. */
  refused: number;
  /** Right contents at another time, or frames that were not sent at all, and other times to wake. */
  mistimed: { count: number; example: string };
  /** From the last frame of the struck node to the end, ms. */
  silentMs: number;
  /** How the struck node or its watchdog first noticed. */
  detection: Detection | null;
  /** Told as `upset`: bits put right in place; records let go and fetched again. */
  corrected: number;
  dropped: number;
  /** When the runtime took calls again after the detection, and when all live nodes agreed again, for half an hour without a break; ms, null = never. */
  bootedMs: number | null;
  agreedMs: number | null;
  /** After the detection nobody could have agreed for so long: a storm silenced the radio, ms. */
  excusedMs: number;
  /** The node could not even boot. */
  diesBooting: boolean;
  endMs: number;
}

export interface Detection {
  /** trap: an assertion. hang: a loop that did not end. watchdog: it bit. ladder: the firmware's own escalation. checkpoint: one was refused. upset: told as put right. dropped: told as let go. */
  by: 'trap' | 'hang' | 'watchdog' | 'ladder' | 'checkpoint' | 'upset' | 'dropped';
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
  dropped: 0,
  bootedMs: null,
  agreedMs: null,
  excusedMs: 0,
  diesBooting: false,
  endMs: 0,
});
