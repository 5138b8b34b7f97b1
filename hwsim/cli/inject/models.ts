import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import type { ModelName } from '../../campaign/outcomes.ts';

/** Fault models of memory, which every target has. */
export const memoryModels: readonly ModelName[] = ['bit', 'double', 'burst', 'stuck'];
/** Fault models of a board. */
export const boardModels: readonly ModelName[] = ['bit', 'double', 'burst', 'stuck', 'register', 'skip'];
/** What `mixed` stands for. */
export const mixedModels: readonly ModelName[] = ['bit', 'double', 'burst'];

/** The models named by --model, in one order, each once. Throws CommandError (2) that names a model the target does not have. */
export function modelsOf(text: string, target: string): readonly ModelName[] {
  const known = target === 'wasm' ? memoryModels : boardModels;
  if (text === 'mixed') return mixedModels;
  const wanted = text.split(',');
  for (const name of wanted) {
    if (known.includes(name as ModelName)) continue;
    const elsewhere = [...memoryModels, ...boardModels].includes(name as ModelName);
    const why = elsewhere ? `does not exist on ${target}` : 'is no fault model';
    const hint = target === 'wasm' && elsewhere ? `; take a board, as in --target m7 --model ${name}` : '';
    throw new CommandError(
      `--model '${name}' ${why}: known there are mixed, ${known.join(', ')}${hint}`,
      exitCode.usage,
    );
  }
  return known.filter((name) => wanted.includes(name));
}
