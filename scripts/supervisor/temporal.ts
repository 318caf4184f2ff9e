import { connect } from 'node:net';
import { join } from 'node:path';
import type { Child, OnStart } from './child.ts';
import { startChild, untilReady } from './child.ts';
import { freePorts } from './free-port.ts';

export interface TemporalStart {
  readonly program: string;
  /** Database `temporal.sqlite` and log live here. */
  readonly folder: string;
  /** Fixed ports; free ones when not given. */
  readonly ports?: { readonly grpc: number; readonly http: number; readonly metrics: number; readonly ui?: number };
  readonly hasUi?: boolean;
  /** Also kept over restarts; without it state lives in memory. */
  readonly isDurable?: boolean;
  readonly namespace?: string;
  readonly onStart?: OnStart;
}

export interface TemporalServer {
  readonly child: Child;
  /** host:port of the gRPC service. */
  readonly address: string;
  readonly port: number;
  readonly uiUrl: string | undefined;
}

const host = '127.0.0.1';

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });

const isServing = async (http: number, grpc: number): Promise<boolean> => {
  if (!(await accepts(grpc))) return false;
  const response = await fetch(`http://${host}:${String(http)}/api/v1/namespaces/default`);
  return response.ok;
};

const chosenPorts = async (
  start: TemporalStart,
): Promise<{ grpc: number; http: number; metrics: number; ui: number }> => {
  const [grpc = 0, http = 0, metrics = 0, ui = 0] = await freePorts(4);
  return { grpc, http, metrics, ui, ...start.ports };
};

/** Starts a Temporal development server; every port is given, none is left to a default (build.md "Ports"). */
export const startTemporal = async (start: TemporalStart): Promise<TemporalServer> => {
  const ports = await chosenPorts(start);
  const flags = { port: ports.grpc, 'http-port': ports.http, 'metrics-port': ports.metrics };
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'];
  const child = await startChild({
    name: 'Temporal',
    command: start.program,
    args: [
      ...['server', 'start-dev', '--ip', host, '--log-level', 'warn'],
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...(start.hasUi === true
        ? ['--ui-ip', host, '--ui-port', String(ports.ui), '--ui-disable-news-fetch']
        : ['--headless']),
      ...(start.isDurable === true ? ['--db-filename', join(start.folder, 'temporal.sqlite'), ...pragmas] : []),
      ...(start.namespace === undefined ? [] : ['--namespace', start.namespace]),
    ],
    env: { PATH: '/usr/bin:/bin', HOME: start.folder },
    cwd: start.folder,
    logPath: join(start.folder, 'temporal.log'),
    stopSignal: 'SIGTERM',
    onStart: start.onStart,
  });
  await untilReady(child, () => isServing(ports.http, ports.grpc));
  const uiUrl = start.hasUi === true ? `http://${host}:${String(ports.ui)}` : undefined;
  return { child, address: `${host}:${String(ports.grpc)}`, port: ports.grpc, uiUrl };
};
