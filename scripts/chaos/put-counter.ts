import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer, request } from 'node:http';
import { freePort } from '../supervisor/free-port.ts';

const host = '127.0.0.1';

/** A request that carries a body to the pool. */
export interface Put {
  readonly key: string;
  readonly bytes: number;
  readonly atMs: number;
  /** 2xx that reached whoever sent it: those bytes are acknowledged. 412: the object was there. */
  readonly status: number;
}

/** The port of a pool: passes everything on and remembers what was put. A pool that is away looks away. */
export interface PutCounter {
  readonly port: number;
  readonly puts: readonly Put[];
  close(): Promise<void>;
}

const isGood = (status: number): boolean => status >= 200 && status < 300;
export const isAcknowledged = ({ status }: Put): boolean => isGood(status);

/** `/bucket/some/key?query` → `some/key`. */
const keyIn = (url: string): string => decodeURIComponent(url.split('?')[0]?.split('/').slice(2).join('/') ?? '');

function pass(asked: IncomingMessage, answer: ServerResponse, target: number, puts: Put[]): void {
  const { method, url = '', headers } = asked;
  let bytes = 0;
  const onward = request({ host, port: target, method, path: url, headers }, (answered) => {
    const { statusCode: status = 0 } = answered;
    answer.writeHead(status, answered.headers);
    answered.pipe(answer);
    answered.on('error', () => answer.destroy());
    // Why here: an answer that did not get through acknowledges nothing.
    answer.once('finish', () => {
      if (method === 'PUT') puts.push({ key: keyIn(url), bytes, atMs: Date.now(), status });
    });
  });
  onward.on('error', () => asked.socket.destroy());
  asked.on('data', (part: Buffer) => (bytes += part.length));
  asked.pipe(onward);
  // Whoever sends dies in the middle: the pool must not take half of it for the whole.
  asked.on('aborted', () => onward.destroy());
}

export async function openPutCounter(target: number): Promise<PutCounter> {
  const puts: Put[] = [];
  const server: Server = createServer((asked, answer) => {
    pass(asked, answer, target, puts);
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return {
    port,
    puts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
