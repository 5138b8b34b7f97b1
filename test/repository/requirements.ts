/** Reads requirement ids from titles of tests, and completes docs/requirements.md with them. */
import { posix } from 'node:path';

/**
 * Test files (below test/, without ending) in which a title claims a half of a requirement, by id.
 */
export type Claims = ReadonlyMap<string, { holds: string[]; violated: string[] }>;

const idPattern = /\b[A-Z]{3}-\d+\b/g;
/** The beginning of a title: ids, perhaps some words, then `holds:` or `violated:`. */
const title = /['"`]((?:[A-Z]{3}-\d+)[^'"`\n]*?)\b(holds?|violated):/g;

/** All ids that a text names. */
export function idsIn(text: string): string[] {
  return [...new Set(text.match(idPattern) ?? [])]
    .filter((id) => /^(FLT|INT|SCH|WDG|MBR|CVG|TIM|MKT|GEN|LIN|UPD|GOV|TOP|SIM|RAD|SEC|BRD)-/.test(id))
    .sort();
}

/** What the titles of all test files claim. */
export function claimsOf(tests: ReadonlyMap<string, string>): Claims {
  const claims = new Map<string, { holds: string[]; violated: string[] }>();
  for (const [path, source] of tests) {
    const name = posix.relative('test', path).replace(/\.test\.ts$/, '');
    for (const [, begin, half] of source.matchAll(title))
      for (const id of idsIn(begin)) {
        const claim = claims.get(id) ?? { holds: [], violated: [] };
        const list = half === 'violated' ? claim.violated : claim.holds;
        if (!list.includes(name)) list.push(name);
        claims.set(id, claim);
      }
  }
  return claims;
}

/** The ids that have a row with a column of tests. */
export function rowIds(page: string): string[] {
  return page
    .split('\n')
    .flatMap((line) => (cellsOf(line).length === 4 ? (/^\| ([A-Z]{3}-\d+) \|/.exec(line)?.[1] ?? []) : []));
}

function cellsOf(line: string): string[] {
  return line.startsWith('|') ? line.slice(1, line.lastIndexOf('|')).split('|') : [];
}

/** The page with its last column written from the claims. */
export function withTests(page: string, claims: Claims): string {
  const lines = page.split('\n').map((line) => {
    const cells = cellsOf(line);
    const id = cells[0]?.trim();
    if (cells.length !== 4 || !/^[A-Z]{3}-\d+$/.test(id)) return line;
    const { holds, violated } = claims.get(id) ?? { holds: [], violated: [] };
    const half = (name: string, files: string[]) =>
      files.length === 0 ? `${name}: none` : `${name}: ${files.join(', ')}`;
    return `|${cells.slice(0, 3).join('|')}| ${half('holds', holds)}; ${half('violated', violated)} |`;
  });
  return lines.join('\n');
}
