import { nativeRatios } from './cycles.ts';
import { buildRunner } from './cycles_runner.ts';
import { targets } from '../board/targets.ts';
for (const name of process.argv.slice(2) as 'm7'[])
  for (const r of nativeRatios(await buildRunner(targets[name]), { walks: 100, frames: 1000 }))
    console.log(r.target, r.op, r.ratio.toFixed(3));
