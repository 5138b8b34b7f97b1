import { buildBoard } from '../board/build.ts';
for (const n of ['m7','m4','rv64','rv32','leon3'] as const) { const b = await buildBoard(n); console.log(n, JSON.stringify(b.sizes)); }
