#!/usr/bin/env node
/**
 * The command. In a checkout it builds first when dist/ is missing or older than the sources; an
 * installed package has no sources, and dist/ is complete.
 */
import { existsSync } from 'node:fs';

if (existsSync(new URL('../build/build.mjs', import.meta.url))) {
  const { buildAll, isBuilt } = await import('../build/build.mjs');
  if (!isBuilt()) {
    process.stderr.write('heliograph: building…\n');
    if (!(await buildAll({ quiet: true }))) {
      process.stderr.write('heliograph: the build failed; `npm run build` shows why\n');
      process.exit(70);
    }
  }
}
await import('../../dist/heliograph.mjs');
