// Layouts of keys, of the heads and parts of key epochs, and of the frames taken of a peer.

/** The key of frames of one epoch. A line. */
@unmanaged
export class LinkKey {
  /** 32 bytes. */
  key0: u64 = 0;
  key1: u64 = 0;
  key2: u64 = 0;
  key3: u64 = 0;
  /** 1 = there is one. */
  present: u32 = 0;
  epoch: u32 = 0;
  /** Mission second from which it is used for sending. */
  startS: u32 = 0;
}

/** What the authority says of an epoch. Two lines. */
@unmanaged
export class Head {
  /** 0 = none. */
  epoch: u32 = 0;
  startS: u32 = 0;
  /** Of its cover. */
  parts: u32 = 0;
  commitment0: u64 = 0;
  commitment1: u64 = 0;
  /** Parts held; 1 = its key is held; the epoch last told as used for sending. Of a pending head: checks in this period. */
  held: u32 = 0;
  installed: u32 = 0;
  told: u32 = 0;
  checks: u32 = 0;
  /** The chunk that is told next, and until when it is told often. */
  turn: u32 = 0;
  youngUntilS: u32 = 0;
  /** 1 = its key is in no checkpoint yet. */
  unstored: u32 = 0;
}

/** A part of the cover of the epoch in the head. A line; node 0 = free. */
@unmanaged
export class Part {
  node: u32 = 0;
}

/** Which frames of a member were taken: bit i of `seen` stands for counter top − i. */
@unmanaged
export class Peer {
  top: u32 = 0;
  spare: u32 = 0;
  seen: u64 = 0;
}
