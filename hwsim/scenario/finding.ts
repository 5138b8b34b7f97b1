/** Path of a field, as ['disruptions', 2, 'when']. */
export type Path = readonly PropertyKey[];

/** One problem of a scenario's values, before it has a place in a file. */
export interface Finding {
  path: Path;
  /** What is wrong, and in brackets the next step. */
  message: string;
  /** The problem is this key of the map at `path`, not the key's value. */
  key?: string;
}
