/** Names of the numbers in platform records: the enumerations of proto/schema. */

import { FIELD_NAMES, NAMES } from './generated.ts';

/**
 * The name of a record's field value: 'alive' for state 1 of member-state; undefined when its
 * numbers have no names.
 */
export function valueName(record: string, field: string, value: number): string | undefined {
  const names = FIELD_NAMES[record]?.[field];
  if (names === undefined) return undefined;
  return names[value] || `${field} ${value}`;
}

/** The name of a loss counter. */
export function lossCounterName(counter: number): string {
  return NAMES.counter[counter] ?? `counter-${counter}`;
}

/**
 * The fields of a record with names beside numbers that have one: { state: 1 } gives { state: 1,
 * stateName: 'alive' }.
 */
export function withNames(record: string, fields: Readonly<Record<string, number>>): Record<string, number | string> {
  const named: Record<string, number | string> = {};
  for (const [field, value] of Object.entries(fields)) {
    named[field] = value;
    const name = valueName(record, field, value);
    if (name !== undefined) named[`${field}Name`] = name;
  }
  return named;
}
