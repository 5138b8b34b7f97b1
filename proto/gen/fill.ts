// Fills paragraphs to a width: pages and comments of generated files.

/** Columns of pages and comments, as everywhere in the repository. */
export const COMMENT_COLUMNS_MAX = 100;

/**
 * The words of `text` in lines of at most `columns` characters; a longer word has a line of its
 * own.
 */
export function filled(text: string, columns = COMMENT_COLUMNS_MAX): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.length - 1;
    if (last >= 0 && lines[last].length + 1 + word.length <= columns) lines[last] += ` ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A page with its paragraphs filled; tables, headings, lists and code stay as they are. */
export function filledPage(lines: readonly string[]): string {
  const page: string[] = [];
  let paragraph = '';
  for (const line of [...lines.join('\n').split('\n'), '']) {
    if (/^[A-Za-z`(]/.test(line)) {
      paragraph += `${line} `;
      continue;
    }
    page.push(...filled(paragraph), line);
    paragraph = '';
  }
  return page.join('\n');
}
