import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { freePorts } from '#scripts/supervisor/free-port.ts';

/** A network line to a server that a test can cut. */
export interface Line {
  readonly host: string;
  readonly port: number;
  /** `host:port`. */
  readonly address: string;
  /** Bytes that came from clients and were passed on. */
  readonly sentBytes: () => number;
  /** The other way. */
  readonly receivedBytes: () => number;
  /** Refused: connections break and no new one is accepted. Silent: as a pulled cable, nothing passes and nobody is told. */
  cut(how: 'refused' | 'silent'): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** After a silence, bytes of a client that hung up meanwhile are no longer delivered: it is looked at for so long. */
const lookMs = 100;

/** Two ends of one connection. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #count: (way: 'sent' | 'received', bytes: number) => void;
  #isSilent = false;
  /** Bytes of a client that may have hung up during the silence. */
  #held: Buffer[] | undefined;

  constructor(client: Socket, server: Socket, count: (way: 'sent' | 'received', bytes: number) => void) {
    this.#client = client;
    this.#server = server;
    this.#count = count;
    client.on('data', (chunk) => {
      if (this.#held === undefined) this.#send(chunk);
      else this.#held.push(chunk);
    });
    server.on('data', (chunk) => {
      this.#count('received', chunk.length);
      if (!client.write(chunk)) server.pause();
    });
    server.on('drain', () => this.#isSilent || client.resume());
    client.on('drain', () => this.#isSilent || server.resume());
    client.on('end', () => {
      if (this.#held !== undefined) this.break();
    });
    for (const socket of [client, server])
      socket
        .on('error', () => undefined)
        .on('close', () => {
          client.destroy();
          server.destroy();
        });
  }

  onClose(told: () => void): void {
    this.#client.on('close', told);
  }

  silence(): void {
    this.#isSilent = true;
    this.#client.pause();
    this.#server.pause();
  }

  speak(): void {
    if (!this.#isSilent) return;
    this.#isSilent = false;
    this.#held = [];
    this.#client.resume();
    setTimeout(() => {
      for (const chunk of this.#held ?? []) this.#send(chunk);
      this.#held = undefined;
      this.#server.resume();
    }, lookMs);
  }

  break(): void {
    this.#held = [];
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  #send(chunk: Buffer): void {
    if (this.#server.destroyed) return;
    this.#count('sent', chunk.length);
    if (!this.#server.write(chunk)) this.#client.pause();
  }
}

/** Opens a line to a port of this machine. */
export async function openLine(to: number): Promise<Line> {
  const [port = 0] = await freePorts(1);
  const pairs = new Set<Pair>();
  let isSilent = false;
  const passed = { sent: 0, received: 0 };
  const listener = createServer((client) => {
    const pair = new Pair(client, connect(to, host), (way, bytes) => {
      passed[way] += bytes;
    });
    pairs.add(pair);
    pair.onClose(() => pairs.delete(pair));
    if (isSilent) pair.silence();
  });
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      listener.once('error', reject).listen(port, host, () => {
        listener.off('error', reject);
        resolve();
      });
    });
  const stopListening = async (): Promise<void> => {
    if (!listener.listening) return;
    const closed = new Promise((resolve) => listener.close(resolve));
    for (const pair of pairs) pair.break();
    await closed;
  };
  await listen();
  return {
    ...{ host, port, address: `${host}:${String(port)}` },
    sentBytes: () => passed.sent,
    receivedBytes: () => passed.received,
    cut: async (how) => {
      if (how === 'refused') return stopListening();
      isSilent = true;
      for (const pair of pairs) pair.silence();
    },
    mend: async () => {
      isSilent = false;
      if (!listener.listening) await listen();
      for (const pair of pairs) pair.speak();
    },
    close: stopListening,
  };
}
