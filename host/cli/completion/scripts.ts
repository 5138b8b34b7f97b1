import { quoted } from '../again.ts';
import type { CompletedCommand, CompletedOption } from './tree.ts';

/** Shells for which a script can be made. */
export type Shell = 'bash' | 'zsh' | 'fish';

const spaced = (words: readonly string[]) => words.join(' ');
const pathsOf = (commands: readonly CompletedCommand[]) =>
  commands.filter(({ path }) => path !== '').map(({ path }) => path);

/** Collects options that take a value, as patterns of `command option`. */
function valuePatterns(
  commands: readonly CompletedCommand[],
  isWanted: (option: CompletedOption) => boolean,
): string[] {
  return commands.flatMap(({ path, options }) => options.filter(isWanted).map(({ flag }) => quoted(`${path} ${flag}`)));
}

/** Makes the cases of a `case` over `command option`, by what completes the value. */
function valueCases(
  commands: readonly CompletedCommand[],
  act: Record<'words' | 'file' | 'other', (words: string) => string>,
): string[] {
  const cases = commands.flatMap(({ path, options }) =>
    options
      .filter(({ value }) => value === 'words')
      .map(({ flag, words }) => `    ${quoted(`${path} ${flag}`)}) ${act.words(spaced(words))}; return ;;`),
  );
  for (const kind of ['file', 'other'] as const) {
    const patterns = valuePatterns(commands, ({ value }) => value === kind);
    if (patterns.length > 0) cases.push(`    ${patterns.join('|')}) ${act[kind]('')}; return ;;`);
  }
  return cases;
}

function bashScript(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ path, commands: children, options, words }) => {
    const flags = spaced(options.map(({ flag }) => flag));
    const plain = spaced([...children.map(({ name }) => name), ...words]);
    return `    ${quoted(path)}) flags=${quoted(flags)}; words=${quoted(plain)} ;;`;
  });
  return `# Completion of heliograph for bash. Put it to use with: source <(heliograph completion bash)
_heliograph() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} chain='' next flags='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${chain:+$chain }\${COMP_WORDS[i]}"
    case "$next" in
    ${pathsOf(commands).map(quoted).join('|')}) chain=$next ;;
    esac
  done
  case "$chain $prev" in
${valueCases(commands, {
  words: (words) => `COMPREPLY=($(compgen -W ${quoted(words)} -- "$cur"))`,
  file: () => 'COMPREPLY=($(compgen -f -- "$cur"))',
  other: () => 'COMPREPLY=()',
}).join('\n')}
  esac
  case "$chain" in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _heliograph heliograph
`;
}

/** Makes an entry of zsh's _describe: the name, a colon, the description. */
const described = (name: string, description: string) => quoted(`${name.replaceAll(':', '\\:')}:${description}`);

function zshScript(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ path, commands: children, options, words }) => {
    const names = spaced(children.map(({ name, description }) => described(name, description)));
    const flags = spaced(options.map(({ flag, description }) => described(flag, description)));
    return `    ${quoted(path)}) names=(${names}); flags=(${flags}); plain=(${words.map(quoted).join(' ')}) ;;`;
  });
  return `#compdef heliograph
# Completion of heliograph for zsh. Put it to use with: source <(heliograph completion zsh)
_heliograph() {
  local -a names flags plain
  local cur=$words[CURRENT] prev=$words[CURRENT-1] chain='' next i
  for (( i = 2; i < CURRENT; i++ )); do
    next="\${chain:+$chain }$words[i]"
    case "$next" in
    ${pathsOf(commands).map(quoted).join('|')}) chain=$next ;;
    esac
  done
  case "$chain $prev" in
${valueCases(commands, { words: (words) => `compadd -- ${words}`, file: () => '_files', other: () => ':' }).join('\n')}
  esac
  case "$chain" in
${cases.join('\n')}
  esac
  if [[ $cur == -* ]]; then
    _describe -o option flags
  elif (( $#names )); then
    _describe command names
  else
    compadd -a plain
    _files
  fi
}
if [[ $funcstack[1] == _heliograph ]]; then
  _heliograph "$@"
else
  compdef _heliograph heliograph
fi
`;
}

function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, commands: children, options, words }) => {
    const at = `complete -c heliograph -n ${quoted(`__heliograph_at ${quoted(path)}`)}`;
    const names = children.map(({ name, description }) => `${at} -f -a ${name} -d ${quoted(description)}`);
    const flags = options.map(({ flag, description, value, words: values }) => {
      const takes = { none: '', words: ` -x -a ${quoted(spaced(values))}`, file: ' -r -F', other: ' -x' }[value];
      return `${at} -l ${flag.replace(/^--/, '')}${takes} -d ${quoted(description)}`;
    });
    return [...names, ...(words.length === 0 ? [] : [`${at} -a ${quoted(spaced(words))}`]), ...flags];
  });
  return `# Completion of heliograph for fish. Put it to use with: heliograph completion fish | source
function __heliograph_at
  set -l chain ''
  set -l words (commandline -opc)
  for word in $words[2..-1]
    set -l next (string trim -- "$chain $word")
    if contains -- "$next" ${pathsOf(commands).map(quoted).join(' ')}
      set chain $next
    end
  end
  test "$chain" = "$argv[1]"
end
${lines.join('\n')}
`;
}

/** Makes the script with which a shell completes the commands. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  if (shell === 'bash') return bashScript(commands);
  return shell === 'zsh' ? zshScript(commands) : fishScript(commands);
}
