/** Ranges of message types (docs/messages.md): smaller types go by radio. */

/** The first type of a record between platform and firmware: an observation. */
export const recordTypeMin = 128;
/** The first type of a command. */
export const commandTypeMin = 160;
/** The first type of an event. */
export const eventTypeMin = 192;
