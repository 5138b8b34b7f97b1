/**
 * Message types that keep a member in its cluster: the Byzantine node forwards those of its own
 * image.
 */
export const membershipTypes: ReadonlySet<string> = new Set([
  'heartbeat',
  'probe',
  'ack',
  'probe-request',
  'relayed-ack',
  'suspicion',
  'alive',
  'join',
]);
