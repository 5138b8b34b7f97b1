// Frames that are refused by their counter: taken already, of a time long past, or of one to come.

import { type AttackBench, cycle, heard, reserved } from './bench.ts';
import { type Negative, received, spoilt, tagWrong, talk } from './cases.ts';

const counted = (
  name: string,
  status: Negative['status'],
  counter: string,
  header: { sender?: number; counter: number },
  more: Partial<Negative> = {},
) => received(name, status, counter, (bench) => [bench.frame(header, talk)], more);
const restarted = {
  before: (bench: AttackBench) => bench.reboot(bench.config(undefined, {}, { incarnation: 2, reserved, missionMs: 0 })),
} as const;

export const counterCases: readonly Negative[] = [
  counted('the newest frame of a sender, again', 'replay', 'frame_replay', {
    sender: heard.sender,
    counter: heard.top,
  }),
  counted('an older frame of a sender, again', 'replay', 'frame_replay', {
    sender: heard.sender,
    counter: heard.before,
  }),
  counted('counter 0', 'stale', 'frame_stale', { counter: 0 }),
  counted('counter 1', 'stale', 'frame_stale', { counter: 1 }),
  counted('one older than the window', 'stale', 'frame_stale', { counter: cycle - 64 }),
  counted('two windows old', 'stale', 'frame_stale', { counter: cycle - 128 }),
  counted('one older than the window of a sender that was heard', 'stale', 'frame_stale', {
    sender: heard.sender,
    counter: cycle - 64,
  }),
  counted('one beyond what is reserved', 'ahead', 'frame_ahead', { counter: reserved + 1 }),
  counted('a window beyond what is reserved', 'ahead', 'frame_ahead', { counter: reserved + 64 }),
  ...[0x7fffffff, 0x80000000, 0xffffffc0, 0xfffffffe, 0xffffffff].map((counter) =>
    counted(`counter ${counter}`, 'ahead', 'frame_ahead', { counter }),
  ),
  ...[reserved, cycle, cycle - 30].map((counter) =>
    received(
      `after a restart, a counter ${reserved - counter} below what was reserved`,
      'replay',
      'frame_replay',
      (bench) => [bench.frame({ counter, keyEpoch: 1 }, talk)],
      {
        ...restarted,
      },
    ),
  ),
  // To a node that heard nobody for long, a frame of a time to come says that its own time is
  // wrong: but one that opens.
  {
    ...restarted,
    ...tagWrong('to a node that hears nobody, one beyond what was reserved, whose tag is wrong', (bench) => [
      spoilt(bench.frame({ counter: reserved + 1, keyEpoch: 1 }, talk), (body) => void (body[body.length - 1] ^= 1)),
    ]),
  },
  counted(
    'a frame just taken, again',
    'replay',
    'frame_replay',
    { counter: cycle },
    { before: (bench) => void bench.give('receive', bench.frame({}, talk)) },
  ),
  counted(
    'another frame under a counter just taken',
    'replay',
    'frame_replay',
    { counter: cycle },
    {
      before: (bench) => void bench.give('receive', bench.frame({}, [{ name: 'ack', sequence: 9 }])),
    },
  ),
  counted(
    'a counter just accepted, under the other key epoch',
    'replay',
    'frame_replay',
    { counter: cycle },
    {
      before: (bench) => void bench.give('receive', bench.frame({ keyEpoch: 1 }, talk)),
    },
  ),
];
