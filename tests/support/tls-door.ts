import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** Certificates of a test authority, valid for a hundred years: server and client are named temporal.test. */
export const tlsFile = (name: 'ca.pem' | 'client.pem' | 'client.key' | 'server.pem' | 'server.key'): string =>
  join(import.meta.dirname, 'tls', name);

const text = (name: Parameters<typeof tlsFile>[0]): string => readFileSync(tlsFile(name), 'utf8');
const serverOptions = () => ({
  ...{ key: text('server.key'), cert: text('server.pem'), ca: text('ca.pem') },
  ALPNProtocols: ['h2'],
});

export interface TlsDoor {
  readonly address: string;
  close(): Promise<void>;
}

/** Speaks TLS on behalf of a server that does not; lets nobody in who has no certificate of the test authority. */
export function openTlsDoor(target: string): Promise<TlsDoor> {
  const [host = '', port = ''] = target.split(':');
  const server = createServer({ ...serverOptions(), requestCert: true, rejectUnauthorized: true }, (socket) => {
    const behind = connect(Number(port), host);
    for (const end of [socket, behind]) end.on('error', () => void (socket.destroy(), behind.destroy()));
    socket.pipe(behind).pipe(socket);
  });
  return opened(server);
}

/** Answers every gRPC call with "unauthenticated" (16) and remembers the `authorization` it came with. */
export async function openKeyDoor(): Promise<TlsDoor & { readonly seen: ReadonlySet<string> }> {
  const seen = new Set<string>();
  const server = createSecureServer(serverOptions());
  server.on('stream', (stream, headers) => {
    seen.add(String(headers['authorization']));
    stream.on('error', () => undefined);
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' }, { endStream: true });
  });
  return { ...(await opened(server)), seen };
}

interface Listener {
  listen(port: number, host: string, done: () => void): unknown;
  address(): AddressInfo | string | null;
  close(): unknown;
}

function opened(server: Listener): Promise<TlsDoor> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        address: `127.0.0.1:${String(port)}`,
        // Why not awaited: connections that clients keep open end with their process.
        close: () => Promise.resolve(void server.close()),
      });
    });
  });
}
