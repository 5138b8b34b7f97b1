import { createReadStream, existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CLUSTER_MEMBERS_MAX, FRAME_BYTES_MAX } from '../../cbor/generated.ts';
import { CborFault } from '../../cbor/item.ts';
import { describe, diagnose } from '../../security/diagnose.ts';
import type { LinkCipher } from '../../security/frame.ts';
import { CommandError, exitCode } from '../exit.ts';
import { inputBytesMax, readInput } from '../input.ts';
import { missionClock } from '../mission_clock.ts';
import { print, wrapped } from '../output.ts';
import { type FrameHead, frameHeadBytes, readFrameHead } from '../recorded_frame.ts';
import { recordText } from '../record_text.ts';
import { notationLines } from './notation.ts';
import type { DecodeOptions } from './options.ts';

/**
 * Largest recording, compressed bytes. It is read as a stream: memory holds one chunk and one frame
 * or line.
 */
const recordingBytesMax = 2 ** 32;
const lineCharactersMax = 1 << 20;

/**
 * Reads the chunks of a gzip file. Throws CommandError (3) when the file cannot be read, is too
 * large, or is cut short.
 */
async function* unzipped(path: string): AsyncGenerator<Buffer> {
  if (!existsSync(path)) throw new CommandError(`${path}: cannot be read: no such file`, exitCode.input);
  const { size } = statSync(path);
  if (size > recordingBytesMax)
    throw new CommandError(`${path}: ${size} bytes are more than ${recordingBytesMax}`, exitCode.input);
  const gunzip = createGunzip();
  pipeline(createReadStream(path), gunzip, () => {});
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_'))
      throw new CommandError(`${path}: is cut short or damaged from here on (${message})`, exitCode.input);
    throw error;
  }
}

/** Shows a gzip file of a recorded run: frames.bin.gz or events.jsonl.gz. */
export async function showGzip(path: string, options: DecodeOptions): Promise<void> {
  if (/\.jsonl\.gz$/.test(basename(path))) return showEvents(path, options);
  return showFrames(path, options);
}

/**
 * Makes the link of a recorded run, whose keys derive from the run's seed. Returns null when no
 * scenario lies beside the frames.
 */
async function linkOfRun(folder: string): Promise<LinkCipher | null> {
  const path = join(folder, 'scenario.yaml');
  if (!existsSync(path)) return null;
  const { simulatedLink } = await import('../../security/simulated_keys.ts');
  const { seed, nodes } = await recordedSetting(path);
  const verdict = join(folder, 'verdict.json');
  const isFleet = existsSync(verdict) && /"image": ?"fleet"/.test(readInput(verdict));
  return simulatedLink(seed, nodes, isFleet ? 'null' : 'real');
}

/** Reads what the keys of a recorded run derive from. Throws CommandError (3). */
async function recordedSetting(path: string): Promise<{ seed: number; nodes: number }> {
  const { readYaml, YamlFault } = await import('../yaml.ts');
  try {
    const { value } = readYaml(readInput(path, inputBytesMax.scenario));
    const { seed, nodes } = (value ?? {}) as { seed?: unknown; nodes?: unknown };
    const isCount = (number: unknown, most: number) =>
      Number.isInteger(number) && Number(number) <= most && Number(number) >= 0;
    if (isCount(seed, 0xffffffff) && isCount(nodes, CLUSTER_MEMBERS_MAX))
      return { seed: Number(seed), nodes: Number(nodes) };
    throw new CommandError(`${path}: has no seed and nodes of a recorded run`, exitCode.input);
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    throw new CommandError(`${path}:${error.line}:${error.column} YAML: ${error.message}`, exitCode.input);
  }
}

async function linkFor(path: string, keys: string | undefined): Promise<LinkCipher | null> {
  if (keys === undefined) return linkOfRun(dirname(path));
  return (await import('../../store/keys/keyring.ts')).readKeyring(keys).link();
}

async function* framesOf(path: string): AsyncGenerator<{ head: FrameHead; bytes: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of unzipped(path)) {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= frameHeadBytes) {
      const head = readFrameHead(rest.subarray(at));
      if (head.length === 0 || head.length > FRAME_BYTES_MAX)
        throw new CommandError(`${path}: is no recording of frames`, exitCode.input);
      const end = at + frameHeadBytes + head.length;
      if (end > rest.length) break;
      yield { head, bytes: rest.subarray(at + frameHeadBytes, end) };
      at = end;
    }
    rest = rest.subarray(at);
  }
  if (rest.length > 0) throw new CommandError(`${path}: is cut short in its last frame`, exitCode.input);
}

/**
 * Shows every recorded frame. A frame that cannot be decoded is shown with its fault: garbled
 * frames are recorded too.
 */
async function showFrames(path: string, { keys, json }: DecodeOptions): Promise<void> {
  const link = await linkFor(path, keys);
  for await (const { head, bytes } of framesOf(path)) {
    const { timeMs, sender, received, lost } = head;
    if (json) {
      const facts = { timeS: timeMs / 1000, sender, received, lost, hex: bytes.toString('hex') };
      print(
        JSON.stringify({
          ...facts,
          ...withFault(
            () => describe(bytes, link),
            (fault) => ({ fault }),
          ),
        }),
      );
      continue;
    }
    print(`/ ${missionClock(timeMs)}  node ${sender}: ${bytes.length} bytes, ${received} received, ${lost} lost /`);
    const text = withFault(
      () => diagnose(bytes, link),
      (fault, shown) => `${shown}\n/ fault: ${fault} /`,
    );
    print(notationLines(text.trim()));
  }
}

function withFault<Result>(decode: () => Result, failed: (fault: string, shown: string) => Result | object): Result {
  try {
    return decode();
  } catch (error) {
    if (!(error instanceof CborFault)) throw error;
    return failed(error.message, error.shown ?? '') as Result;
  }
}

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of unzipped(path)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineCharactersMax) throw new CommandError(`${path}: is no recording of events`, exitCode.input);
    yield* lines;
  }
  if (rest !== '') throw new CommandError(`${path}: is cut short in its last line`, exitCode.input);
}

/** An event, command or change of the world, as a line of events.jsonl.gz. */
type RecordedEvent = { timeS: number; node?: number; what?: string; world?: string } & Record<string, unknown>;

function eventText({ timeS, node, what, world, ...rest }: RecordedEvent): string {
  const begin = missionClock(timeS * 1000);
  if (what === undefined) return `${begin}  world     ${world} ${JSON.stringify(rest)}`;
  const numbers = Object.entries(rest).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
  return `${begin}  ${`node ${node}`.padEnd(9)} ${recordText(what, Object.fromEntries(numbers))}`;
}

/** Columns before the text of an event: time and node. */
const textColumn = 29;

async function showEvents(path: string, { json }: DecodeOptions): Promise<void> {
  let number = 0;
  for await (const line of linesOf(path)) {
    number += 1;
    if (json) print(line);
    else print(wrapped(eventText(parseEvent(line, `${path}:${number}`)), textColumn));
  }
}

function parseEvent(line: string, place: string): RecordedEvent {
  try {
    const event = JSON.parse(line) as RecordedEvent | null;
    if (typeof event?.timeS === 'number') return event;
  } catch {
    // Reported below, as any line that is no event.
  }
  throw new CommandError(`${place}: is no event`, exitCode.input);
}
