/**
 * Options by which this repository's TypeScript is bundled everywhere: npm packages stay outside,
 * data tables become text, checkpoints reach private fields.
 */
import { root } from './paths.mjs';
import { reachableFields } from './reachable_fields.mjs';

export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  packages: 'external',
  platform: 'node',
  target: 'node20',
  format: 'esm',
  loader: { '.csv': 'text', '.jsonl': 'text', '.yaml': 'text', '.cddl': 'text' },
  plugins: [reachableFields(root)],
};
