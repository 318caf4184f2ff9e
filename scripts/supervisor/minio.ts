import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Child, OnStart } from './child.ts';
import { startChild, untilReady } from './child.ts';
import { freePorts } from './free-port.ts';
import { giveToUnprivileged, unprivilegedUser } from './unprivileged.ts';

export interface MinioStart {
  readonly program: string;
  /** Data in `<folder>/data`, log in `<folder>/minio.log`. */
  readonly folder: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** A free one when not given. */
  readonly port?: number;
  readonly onStart?: OnStart;
}

export interface MinioServer {
  readonly child: Child;
  readonly port: number;
}

const isLive = async (port: number): Promise<boolean> => {
  const response = await fetch(`http://127.0.0.1:${String(port)}/minio/health/cluster`);
  return response.ok;
};

/** Starts MinIO on a port of this machine and waits until it answers. */
export const startMinio = async (start: MinioStart): Promise<MinioServer> => {
  const [anyPort = 0, consolePort = 0] = await freePorts(2);
  const port = start.port ?? anyPort;
  const data = join(start.folder, 'data');
  mkdirSync(data, { recursive: true });
  giveToUnprivileged(data);
  const child = await startChild({
    name: 'MinIO',
    command: start.program,
    args: [
      'server',
      '--address',
      `127.0.0.1:${String(port)}`,
      '--console-address',
      `127.0.0.1:${String(consolePort)}`,
      data,
    ],
    env: {
      ...{ PATH: '/usr/bin:/bin', HOME: start.folder, MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
      ...{ MINIO_ROOT_USER: start.accessKey, MINIO_ROOT_PASSWORD: start.secretKey },
    },
    cwd: start.folder,
    user: unprivilegedUser(),
    logPath: join(start.folder, 'minio.log'),
    stopSignal: 'SIGTERM',
    onStart: start.onStart,
  });
  await untilReady(child, () => isLive(port));
  return { child, port };
};
