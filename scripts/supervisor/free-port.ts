import { createServer } from 'node:net';
import { bug } from '#core/errors/fail.ts';

const host = '127.0.0.1';

/** Listens on a port (0 = any) and lets go again; rejects when it is taken. */
const listenOnce = (port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(bug('a TCP listener has a port'));
        else resolve(address.port);
      });
    });
  });

/** A port nobody listened on a moment ago. Another may take it first: callers retry (build.md "Ports"). */
export const freePort = (): Promise<number> => listenOnce(0);

/** `count` different free ports. */
export const freePorts = async (count: number): Promise<number[]> => {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
};

/** True when somebody holds the port. */
export const isPortTaken = (port: number): Promise<boolean> =>
  listenOnce(port).then(
    () => false,
    () => true,
  );
