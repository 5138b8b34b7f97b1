import type { Argument, Option } from 'commander';

/** Words that shell completion offers for an argument or an option's value, beside its choices. */
const suggestions = new WeakMap<Argument | Option, readonly string[]>();

/**
 * Notes the words that shell completion offers for an argument or an option's value. Returns it.
 */
export function suggest<Item extends Argument | Option>(item: Item, words: readonly string[]): Item {
  suggestions.set(item, words);
  return item;
}

export function suggestionsFor(item: Argument | Option): readonly string[] {
  return item.argChoices ?? suggestions.get(item) ?? [];
}
