import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { bug } from '#core/errors/fail.ts';

const host = '127.0.0.1';

/**
 * Below the ports that Linux gives to outgoing connections (32768 and up, ip(7) "ip_local_port_range"): one of those may be
 * taken by any client between our look and the moment when a server listens.
 */
const firstPort = 16_384;
const endPort = 32_768;
const mostTries = 200;

/** Listens on a port and lets go again; rejects when it is taken. */
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
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < mostTries; tries++) {
    const port = randomInt(firstPort, endPort);
    if (!(await isPortTaken(port))) return port;
  }
  throw bug(`no port from ${String(firstPort)} to ${String(endPort)} is free`);
}

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
