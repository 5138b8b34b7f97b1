import { CommandError, exitCode } from '../../../host/cli/exit.ts';
import { memoryModels, mixedModels, type ModelName, modelNames } from '../../campaign/fault_models.ts';

/**
 * Parses --model: returns the named models in one order, each once. Throws CommandError (2) that
 * names a model the target does not have.
 */
export function modelsOf(text: string, target: string): readonly ModelName[] {
  const known = target === 'wasm' ? memoryModels : modelNames;
  if (text === 'mixed') return mixedModels;
  const wanted = text.split(',');
  for (const name of wanted) {
    if (known.includes(name as ModelName)) continue;
    const elsewhere = modelNames.includes(name as ModelName);
    const why = elsewhere ? `does not exist on ${target}` : 'is no fault model';
    const hint = target === 'wasm' && elsewhere ? `; take a board, as in --target m7 --model ${name}` : '';
    throw new CommandError(
      `--model '${name}' ${why}: known there are mixed, ${known.join(', ')}${hint}`,
      exitCode.usage,
    );
  }
  return known.filter((name) => wanted.includes(name));
}
