/**
 * Receives what a node has to report to its operator. `fields` are the named integers of an event,
 * or empty; `words` is a remark for people.
 */
export type Log = (what: string, fields: Readonly<Record<string, number>>, words?: string) => void;
