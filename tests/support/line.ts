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
  sentBytes(): number;
  /** Refused: connections break and no new one is accepted. Silent: as a pulled cable, nothing passes and nobody is told. */
  cut(how: 'refused' | 'silent'): Promise<void>;
  mend(): Promise<void>;
  close(): Promise<void>;
}

const host = '127.0.0.1';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** Opens a line to a port of this machine. */
export async function openLine(to: number): Promise<Line> {
  const [port = 0] = await freePorts(1);
  const pairs = new Set<Pair>();
  let isSilent = false;
  let sent = 0;
  const listener = createServer((client) => {
    const pair = { client, server: connect(to, host) };
    pairs.add(pair);
    client.on('data', (chunk) => {
      sent += chunk.length;
      if (!pair.server.write(chunk)) client.pause();
    });
    pair.server.on('drain', () => {
      if (!isSilent) client.resume();
    });
    pair.server.on('data', (chunk) => {
      if (!client.write(chunk)) pair.server.pause();
    });
    client.on('drain', () => {
      if (!isSilent) pair.server.resume();
    });
    for (const socket of [client, pair.server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        pairs.delete(pair);
        client.destroy();
        pair.server.destroy();
      });
    }
    if (isSilent) hush(pair);
  });
  const listen = (): Promise<void> =>
    new Promise((resolve, reject) => {
      listener.once('error', reject).listen(port, host, () => {
        listener.off('error', reject);
        resolve();
      });
    });
  const breakAll = (): void => {
    for (const { client, server } of pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  };
  const stopListening = async (): Promise<void> => {
    if (!listener.listening) return;
    const closed = new Promise((resolve) => listener.close(resolve));
    breakAll();
    await closed;
  };
  await listen();
  return {
    ...{ host, port, address: `${host}:${String(port)}` },
    sentBytes: () => sent,
    cut: async (how) => {
      if (how === 'refused') return stopListening();
      isSilent = true;
      for (const pair of pairs) hush(pair);
    },
    mend: async () => {
      isSilent = false;
      if (!listener.listening) await listen();
      for (const { client, server } of pairs) {
        client.resume();
        server.resume();
      }
    },
    close: stopListening,
  };
}

function hush({ client, server }: Pair): void {
  client.pause();
  server.pause();
}
