import type { Argument, Command, Option } from 'commander';
import { suggestionsFor } from '../suggestions.ts';

export interface CompletedOption {
  /** `--seed`. */
  flag: string;
  description: string;
  /**
   * The value after the flag: none, one of some words, a file, or a value that cannot be completed.
   */
  value: 'none' | 'words' | 'file' | 'other';
  words: readonly string[];
}

/** Lists the words that may follow a command, or the program's name. */
export interface CompletedCommand {
  /** Names from the program down, with spaces between: '' is the program itself. */
  path: string;
  commands: { name: string; description: string }[];
  options: CompletedOption[];
  /** Words that an argument may be. */
  words: readonly string[];
}

const takesFile = (placeholder: string) => /file|folder|path/.test(placeholder);

function completedOption(option: Option): CompletedOption {
  const { flags, long, description, required, optional } = option;
  const words = suggestionsFor(option);
  const placeholder = /<([^>]*)>/.exec(flags)?.[1] ?? '';
  const kind = words.length > 0 ? 'words' : takesFile(placeholder) ? 'file' : 'other';
  return { flag: long ?? flags, description, value: required || optional ? kind : 'none', words };
}

/** Returns the first clause of a description: completion lists have one line per entry. */
function brief(description: string): string {
  return description.split(/[;:(]/)[0].trim();
}

/** Collects `command` and all commands below it. */
export function completedCommands(command: Command, path = ''): CompletedCommand[] {
  const options = command.options.filter(({ hidden }) => !hidden).map(completedOption);
  const help = { flag: '--help', description: 'display help', value: 'none', words: [] } as const;
  const here: CompletedCommand = {
    path,
    commands: command.commands.map((child) => ({ name: child.name(), description: brief(child.description()) })),
    options: [...options.map((option) => ({ ...option, description: brief(option.description) })), help],
    words: command.registeredArguments.flatMap((argument: Argument) => suggestionsFor(argument)),
  };
  const below = command.commands.flatMap((child) => completedCommands(child, `${path} ${child.name()}`.trim()));
  return [here, ...below];
}
