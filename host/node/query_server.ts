import { chmodSync, closeSync, openSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { StoreError, storeError } from '../store/store.ts';

/** File of the socket, in a node's folder. */
const socketFile = 'query.sock';
/** What may be asked, a line each. */
export const queries = ['status', 'members', 'intents', 'watch'] as const;
export type Query = (typeof queries)[number];

/** Askers at a time; more are turned away. */
const askersMax = 16;
/** Longest question, bytes. */
const questionBytesMax = 32;
/** An asker that says nothing is disconnected after this. */
const silenceMs = 10_000;
/** Lines that wait for a slow watcher, bytes; then it is disconnected: a node waits for nobody. */
const waitingBytesMax = 1 << 20;

/** Answers of a running node, as JSON. */
export type AnswerQuery = (query: Exclude<Query, 'watch'>) => object;

/**
 * Opens the path of the socket. A path of more than some hundred bytes does not fit a socket's
 * address: Linux reaches the folder by an open file as well.
 */
function withSocketPath<T>(folder: string, use: (path: string) => T): { result: T; done: () => void } {
  if (process.platform !== 'linux') return { result: use(join(folder, socketFile)), done: () => {} };
  const file = openSync(folder, 'r');
  try {
    return { result: use(`/proc/self/fd/${file}/${socketFile}`), done: () => closeSync(file) };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/**
 * Answers questions about a running node on a socket in its folder that only its user can open. It
 * reads and never changes anything. The folder must be locked: a socket that is there is of a
 * process that ended.
 */
export class QueryServer {
  readonly #server: Server;
  readonly #askers = new Set<Socket>();
  readonly #watchers = new Set<Socket>();
  readonly #answer: AnswerQuery;
  readonly #path: string;
  #done: () => void = () => {};

  private constructor(folder: string, answer: AnswerQuery) {
    this.#path = join(folder, socketFile);
    this.#answer = answer;
    this.#server = createServer((socket) => this.#take(socket));
  }

  /** Rejects with StoreError when the socket cannot be made. */
  static async open(folder: string, answer: AnswerQuery): Promise<QueryServer> {
    const server = new QueryServer(folder, answer);
    try {
      await server.#listen(folder);
    } catch (error) {
      throw storeError(server.#path, error);
    }
    return server;
  }

  async #listen(folder: string): Promise<void> {
    rmSync(this.#path, { force: true });
    const before = process.umask(0o177);
    try {
      const { result, done } = withSocketPath(
        folder,
        (path) =>
          new Promise<void>((resolve, reject) => {
            this.#server.once('error', reject);
            this.#server.listen(path, () => resolve());
          }),
      );
      this.#done = done;
      await result;
    } finally {
      process.umask(before);
    }
    this.#server.on('error', () => {});
    chmodSync(this.#path, 0o600);
  }

  /** Gives a line to all who watch. */
  publish(line: string): void {
    for (const watcher of this.#watchers) {
      if (watcher.writableLength > waitingBytesMax) watcher.destroy();
      else watcher.write(`${line}\n`);
    }
  }

  close(): void {
    for (const asker of this.#askers) asker.destroy();
    this.#server.close();
    this.#done();
    rmSync(this.#path, { force: true });
  }

  #take(socket: Socket): void {
    if (this.#askers.size >= askersMax) {
      socket.destroy();
      return;
    }
    this.#askers.add(socket);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#askers.delete(socket);
      this.#watchers.delete(socket);
    });
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      if (this.#watchers.has(socket)) return;
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) this.#reply(socket, text.slice(0, end));
      else if (text.length > questionBytesMax) socket.destroy();
    });
  }

  #reply(socket: Socket, question: string): void {
    socket.removeAllListeners('data');
    socket.resume();
    const query = queries.find((name) => name === question);
    if (query === 'watch') {
      socket.setTimeout(0);
      this.#watchers.add(socket);
      return;
    }
    socket.end(`${JSON.stringify(this.#answered(query))}\n`);
  }

  #answered(query: Exclude<Query, 'watch'> | undefined): object {
    if (query === undefined) return { error: `ask one of ${queries.join(', ')}` };
    try {
      return this.#answer(query);
    } catch (error) {
      // The image trapped over its own state: its next call restarts it.
      return { error: (error as Error).message };
    }
  }
}

/** Nobody answers in this folder: no node runs with it. */
export class NoNodeError extends Error {}

/**
 * Asks the node that runs with a folder. `onLine` gets each line of the answer. Resolves when the
 * node has no more to say; rejects with NoNodeError when none runs, and StoreError.
 */
export function askNode(folder: string, query: Query, onLine: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let rest = '';
    let isConnected = false;
    let done = () => {};
    const fail = (error: unknown) => {
      done();
      const { code } = error as NodeJS.ErrnoException;
      const isAbsent = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR';
      if (isConnected && code === 'ECONNRESET') resolve();
      else if (isAbsent) reject(new NoNodeError(`no node runs with ${folder}`));
      else reject(new StoreError(`cannot ask the node of ${folder}: ${(error as Error).message}`, code ?? 'unknown'));
    };
    try {
      const opened = withSocketPath(folder, (path) => connect(path));
      done = opened.done;
      const socket = opened.result;
      socket.setEncoding('utf8');
      socket.on('connect', () => {
        isConnected = true;
        socket.write(`${query}\n`);
      });
      socket.on('data', (chunk) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) onLine(line);
      });
      socket.on('error', fail);
      socket.on('end', () => {
        done();
        resolve();
      });
    } catch (error) {
      fail(error);
    }
  });
}
