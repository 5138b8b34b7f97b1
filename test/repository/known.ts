/**
 * Violations of the rules of this folder that are known and not yet corrected, by rule. The lists
 * only shrink.
 */
import * as assert from 'uvu/assert';
import lists from './known.json' with { type: 'json' };

export type RuleName = keyof typeof lists;

function knownOf(rule: RuleName): readonly string[] {
  return lists[rule];
}

/**
 * Asserts that a rule is violated where that is known, and nowhere else: what is corrected leaves
 * the list.
 */
export function assertOnlyKnown(rule: RuleName, found: readonly string[]): void {
  const known = knownOf(rule);
  assert.equal(
    found.filter((entry) => !known.includes(entry)),
    [],
    `${rule}: new violations`,
  );
  assert.equal(
    known.filter((entry) => !found.includes(entry)),
    [],
    `${rule}: no longer violated, remove from test/repository/known.json`,
  );
}

/** The same by file, for violations that are places in files, `path:line …`. */
export function assertOnlyKnownFiles(rule: RuleName, places: readonly string[]): void {
  const fileOf = (place: string) => place.slice(0, place.indexOf(':'));
  const known = knownOf(rule);
  assert.equal(
    places.filter((place) => !known.includes(fileOf(place))),
    [],
    `${rule}: new violations`,
  );
  assertOnlyKnown(rule, [...new Set(places.map(fileOf))]);
}
