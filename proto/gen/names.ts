// Names in the generated code, from the schema's.

/** `silent-entry` → `SilentEntry`; `digests` → `Digests`. */
export function pascal(name: string): string {
  return name
    .split('-')
    .map((word) => word[0].toUpperCase() + word.slice(1))
    .join('');
}

/** `silent-entry` → `silentEntry`. */
export function camel(name: string): string {
  const joined = pascal(name);
  return joined[0].toLowerCase() + joined.slice(1);
}

/** `silent-entry` → `SILENT_ENTRY`, `digestHigh` → `DIGEST_HIGH`. */
export function upper(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/-/g, '_')
    .toUpperCase();
}

/** One item of an array field: `entries` → `entry`, `digests` → `digest`. */
export function singular(name: string): string {
  if (name.endsWith('ies')) return `${name.slice(0, -3)}y`;
  return name.endsWith('s') ? name.slice(0, -1) : name;
}
