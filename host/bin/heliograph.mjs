#!/usr/bin/env node
/** The command. Builds first when dist/ is missing or older than the sources, then runs the bundle. */
import { buildAll, isBuilt } from '../build/build.mjs';

if (!isBuilt()) {
  process.stderr.write('heliograph: building…\n');
  if (!(await buildAll({ quiet: true }))) {
    process.stderr.write('heliograph: the build failed; `npm run build` shows why\n');
    process.exit(70);
  }
}
await import('../../dist/heliograph.mjs');
