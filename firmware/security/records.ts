// Lays out keys, heads and parts of key epochs, and the replay windows of peers.

/** The key of frames of one key epoch. One line. */
@unmanaged
export class LinkKey {
  /** 32 bytes. */
  key0: u64 = 0;
  key1: u64 = 0;
  key2: u64 = 0;
  key3: u64 = 0;
  /** 1 = there is a key. */
  present: u32 = 0;
  keyEpoch: u32 = 0;
  /** Mission second from which frames are sealed with it. */
  startS: u32 = 0;
}

/** What the authority says of a key epoch. Two lines. */
@unmanaged
export class Head {
  /** 0 = none. */
  keyEpoch: u32 = 0;
  startS: u32 = 0;
  /** Number of parts of its cover. */
  parts: u32 = 0;
  commitment0: u64 = 0;
  commitment1: u64 = 0;
  /**
   * Parts stored; 1 = its key is stored; the key epoch last reported as used for sending. Of a
   * pending head: checks in this period.
   */
  partCount: u32 = 0;
  installed: u32 = 0;
  reportedKeyEpoch: u32 = 0;
  checks: u32 = 0;
  /** The chunk that is sent next, and until when chunks are sent often. */
  turn: u32 = 0;
  youngUntilS: u32 = 0;
  /** 1 = its key is in no checkpoint yet. */
  unstored: u32 = 0;
}

/** A part of the cover of the head's key epoch. One line; node 0 = free. */
@unmanaged
export class Part {
  node: u32 = 0;
}

/** Which frames of a member were accepted: bit i of `seen` is counter top − i. */
@unmanaged
export class Peer {
  top: u32 = 0;
  spare: u32 = 0;
  seen: u64 = 0;
}
