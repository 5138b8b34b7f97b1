// Shapes of the schema's rules, as the host's codec uses them.

/** An integer of min..max, a byte string of min..max bytes, or an array of min..max items. */
export interface UintShape {
  readonly kind: 'uint';
  readonly min: number;
  readonly max: number;
}
export interface BytesShape {
  readonly kind: 'bytes';
  readonly min: number;
  readonly max: number;
}
export interface RecordShape {
  readonly kind: 'record';
  readonly record: string;
}
export interface ArrayShape {
  readonly kind: 'array';
  readonly min: number;
  readonly max: number;
  readonly item: UintShape | RecordShape;
}
export interface FieldShape {
  readonly name: string;
  readonly of: UintShape | BytesShape | ArrayShape;
}

/** An array of fields; a message has its type number first. */
export interface Shape {
  readonly name: string;
  readonly type: number | null;
  /** A record that ends with a check (docs/messages.md). */
  readonly isChecked: boolean;
  /** Bytes of its longest encoding. */
  readonly bytesMax: number;
  readonly fields: readonly FieldShape[];
}
