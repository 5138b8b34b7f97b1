import { buildRunner } from './cycles_runner.ts';
import { targets, targetNames } from '../board/targets.ts';
import { compareConflicts, compareFrames, sizesOf } from './cycles_yardstick.ts';
const show = (n: string, c: any) =>
  console.log(
    n,
    c.cases,
    c.different.length,
    c.different.slice(0, 3),
    c.image,
    c.native,
    (c.image / c.native).toFixed(3),
    'per case',
    Math.round(c.image / c.cases),
  );
for (const checked of [true, false])
  for (const name of (process.argv[2]?.split(',') ?? targetNames) as any) {
    const t = (targets as any)[name];
    console.time(name);
    const r = await buildRunner(t, { checked });
    console.timeEnd(name);
    const { members, intents } = sizesOf(t.preset);
    show(
      `${name} ${checked} conflict crowd`,
      compareConflicts(r, { members, intents: intents - 4, groups: 1, units: 20, capacity: 4000, gone: 0, notices: 0 }, 1, 20),
    );
    show(
      `${name} conflict spread`,
      compareConflicts(
        r,
        { members, intents: intents - 4, groups: 20, units: 12, capacity: 2000, gone: 0.1, notices: 20 },
        2,
        100,
      ),
    );
    show(`${name} frames honest`, compareFrames(r, 3, 500, true));
    show(`${name} frames any`, compareFrames(r, 4, 300, false));
  }
