import { stackBound } from '../board/stack.ts';
import { targets, targetNames } from '../board/targets.ts';
for (const n of targetNames) { const b = stackBound(targets[n]); console.log(n, b.bytes, b.handlerBytes, b.deepest.frames.map(f => `${f.name} ${f.bytes}`).join(' > ')); }
