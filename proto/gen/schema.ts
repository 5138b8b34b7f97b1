// Reads the part of CDDL (RFC 8610) that our schemas use, and refuses the rest with file and line:
//
//     u16 = 0..65535                                        a named range of unsigned integers
//     probe = [type: 1, sequence: u16]                      a message: an array whose first item is
//                                                           its type number
//     owned = [unit: 0..7, version: u32]                    a record without a type: an entry of an
//                                                           array
//     ages: bstr .size (0..50)                              a bounded byte string
//     digests: [1*8 u32]   entries: [0*20 silent-entry]       a bounded array of integers or of
//                          records
//     version-bits = 19   magic = 0x48434b50                a constant
//     group-kind = &(lot: 1, depot: 2)                      an enumeration; `; …` behind a member
//                                                           says what it means
//     kind: group-kind   kind: group-kind / u8              a field of its members, or of any
//                        number within a range
//     state: intent-state .ge 1                             a field of those members from 1 on
//     view-answer = [what: 7, round: u32]                   an answer of inspect(7, …): words, no
//                                                           CBOR
//
// A comment `; ---- title (note) ----` opens a section; the comment right above a rule belongs to
// it.

/** An unsigned integer of min..max; `names`: the enumeration that names its numbers. */
export interface UintKind {
  readonly kind: 'uint';
  readonly min: number;
  readonly max: number;
  readonly names?: string;
}
/** A byte string of min..max bytes. */
export interface BytesKind {
  readonly kind: 'bytes';
  readonly min: number;
  readonly max: number;
}
/** An array of min..max items, each an integer or a record named `record`. */
export interface ArrayKind {
  readonly kind: 'array';
  readonly min: number;
  readonly max: number;
  readonly item: UintKind | RecordKind;
}
/** Another rule's array. */
export interface RecordKind {
  readonly kind: 'record';
  readonly record: string;
}
export type FieldKind = UintKind | BytesKind | ArrayKind;

export interface Field {
  readonly name: string;
  readonly of: FieldKind;
  readonly line: number;
}

/**
 * One array rule. `type` is null for records without a type number; `fields` leaves the type out.
 */
export interface Rule {
  readonly name: string;
  readonly type: number | null;
  readonly fields: readonly Field[];
  /** Name of the schema file without its ending. */
  readonly file: string;
  /** First word of the section's title, '' outside sections. */
  readonly section: string;
  readonly comment: readonly string[];
  readonly line: number;
}

/** A number with a name, in all languages. */
export interface Constant {
  readonly name: string;
  /** Name of the schema file without its ending. */
  readonly file: string;
  readonly value: number;
  readonly comment: readonly string[];
}

export interface Member {
  readonly name: string;
  readonly value: number;
  /** What it means; '' where its name says all. */
  readonly comment: string;
}

/** Numbers with names that belong together. */
export interface Enumeration {
  readonly name: string;
  /** Name of the schema file without its ending. */
  readonly file: string;
  readonly members: readonly Member[];
  readonly comment: readonly string[];
}

/**
 * What inspect(what, index) writes: a word for each integer, the words of byte strings as they
 * stand in memory.
 */
export interface Answer {
  readonly name: string;
  readonly what: number;
  readonly fields: readonly Field[];
  readonly comment: readonly string[];
}

export interface Schema {
  /** Ordered by type, records without type first. */
  readonly rules: readonly Rule[];
  readonly enumerations: readonly Enumeration[];
  readonly constants: readonly Constant[];
  readonly answers: readonly Answer[];
}

export interface SchemaSource {
  readonly path: string;
  readonly text: string;
}
