// Floods: many frames of a kind, each of which is refused like the first.

import { type Negative, received, spliced, spoilt, talk } from './cases.ts';
import { heard } from './bench.ts';

export const floodCases: readonly Negative[] = [
  received('a flood of 1,000 frames of noise', 'crc', 'frame_crc', () => {
    let word = 1;
    return Array.from({ length: 1000 }, (_, i) =>
      Uint8Array.from({ length: 48 + (i % 209) }, () => {
        word = Math.imul(word, 1103515245) + 12345;
        return word >>> 16;
      }),
    );
  }),
  received('a flood of 1,000 replays', 'replay', 'frame_replay', (bench) => {
    const frame = bench.frame({ sender: heard.sender, counter: heard.top }, talk);
    return Array.from({ length: 1000 }, () => frame);
  }),
  received(
    'a flood of 500 frames of full length with a wrong tag',
    'tag',
    'frame_tag',
    (bench) => {
      const frame = spoilt(bench.sealed({}, new Uint8Array(209)), (body) => void (body[40] ^= 1));
      return Array.from({ length: 500 }, () => frame);
    },
    { opens: true },
  ),
  received('a flood of 500 frames of an unknown key epoch', 'keyEpoch', 'frame_key_epoch', (bench) => {
    const frame = bench.sealed({ keyEpoch: 9 }, new Uint8Array(209));
    return Array.from({ length: 500 }, () => frame);
  }),
  received('a flood of 500 oversized frames', 'length', 'frame_length', () =>
    Array.from({ length: 500 }, () => new Uint8Array(1000)),
  ),
  received('a flood of 500 frames of a neighbour cluster', 'notForUs', null, (bench) => {
    const frame = spoilt(bench.frame({}, talk), (body) => spliced(body, 11, 1, 8));
    return Array.from({ length: 500 }, () => frame);
  }),
];
