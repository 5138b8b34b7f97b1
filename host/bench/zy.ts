import { execFileSync } from 'node:child_process';
import { buildRunner, runScript } from './cycles_runner.ts';
import { targets } from '../board/targets.ts';
import { crowd, nowS, receive, randomBody, sizesOf } from './cycles_yardstick.ts';
import { Script, place } from './cycles_script.ts';
import { tableLayout } from './cycles_layout.ts';
import { sealFrame } from '../cbor/frame.ts';
import { RandomStream } from '../../hwsim/kernel/random.ts';
const [name, what, chk, top] = process.argv.slice(2);
const t = (targets as any)[name];
const runner = await buildRunner(t, { checked: chk !== 'unchecked' });
const layout = tableLayout(t.preset);
const { members, intents } = sizesOf(t.preset);
const build = () => { const s = new Script(t.bigEndian); const random = new RandomStream(1, 'p'); const held = crowd(s, what === 'conflict' ? {members,intents:intents-4,groups:1,units:20,capacity:4000,gone:0,notices:0,random} : {members,intents:40,groups:3,units:12,capacity:2000,gone:0,notices:4,random}); return { s, held, random }; };
let first = build(); const read = first.s.read(place.context, 768, layout[8]); const r0 = runScript(runner, first.s); const firsts = r0.result.bytes(read);
const { s, held, random } = build();
s.tables(layout, true);
if (what === 'conflict') {
  s.write(place.context, firsts.subarray(24 + 16, 24 + 18), layout[8] + 24 + 18);
  s.tables(layout, true);
  const [o, sl] = held[700 % held.length];
  s.call('verdict', place.context, o, sl, nowS, 0); s.nativeVerdict(o, sl, nowS, 0);
} else for (let i = 0; i < 100; i++) { const f = sealFrame(randomBody(members, random, true)); receive(s, nowS, f); s.nativeFrame(f.length); }
const n = what === 'conflict' ? 1 : 100;
const { counts, traces } = runScript(runner, s, { from: r0.counts.length, calls: 2 * n });
const dis = new Map<number, string>(); let fn = '';
for (const line of execFileSync(`${t.compiler}objdump`, ['-d', '--no-show-raw-insn', runner.path], { encoding: 'utf8', maxBuffer: 1 << 28 }).split('\n')) {
  const f = /^[0-9a-f]+ <(.*)>:/.exec(line); if (f) fn = f[1];
  const m = /^\s*([0-9a-f]+):\s+(.*)$/.exec(line); if (m) dis.set(parseInt(m[1], 16), `${fn.padEnd(22)} ${m[2]}`);
}
for (const which of [0, 1]) {
  const hits = new Map<number, number>(); let total = 0;
  traces.forEach((tr, i) => { if (i % 2 === which) for (const a of tr) { hits.set(a, (hits.get(a) ?? 0) + 1); total++; } });
  console.log(which ? 'NATIVE' : 'IMAGE', total / n);
  const byFn = new Map<string, number>();
  for (const [a, c] of hits) { const f = (dis.get(a) ?? '?').split(' ')[0]; byFn.set(f, (byFn.get(f) ?? 0) + c); }
  console.log([...byFn].sort((a, b) => b[1] - a[1]).slice(0, 12).map(([f, c]) => `${f} ${(c / total * 100).toFixed(1)}% ${(c/n).toFixed(0)}`).join('\n'));
  const min = total / Number(top ?? 100);
  for (const [a, c] of [...hits].sort((x, y) => x[0] - y[0])) if (c > min) console.log(String(c).padStart(8), a.toString(16), dis.get(a));
}
