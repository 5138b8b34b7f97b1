import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootFolder } from '../../host/build/root.ts';

/** A block of code in a page. */
export interface Example {
  code: string;
  /** What the page says that it prints; null: nothing is said. */
  output: string | null;
}

/** Blocks of a language, each with the `text` block that follows it. */
export function examplesOf(page: string, language: string): Example[] {
  const block = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\`\\n(?:\\n\`\`\`text\\n([\\s\\S]*?)\`\`\`)?`, 'g');
  return [...page.matchAll(block)].map(([, code, output]) => ({ code, output: output ?? null }));
}

/** The same page with other outputs behind its blocks, one for each block. */
export function withOutputs(page: string, language: string, outputs: readonly string[]): string {
  let index = 0;
  const block = new RegExp(`(\`\`\`${language}\\n[\\s\\S]*?\`\`\`\\n\\n\`\`\`text\\n)[\\s\\S]*?\`\`\``, 'g');
  return page.replace(block, (_, before: string) => `${before}${outputs[index++]}\`\`\``);
}

export function pagePath(name: string): string {
  return join(rootFolder, 'docs', name);
}

export function readPage(name: string): string {
  return readFileSync(pagePath(name), 'utf8');
}
