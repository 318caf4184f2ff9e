import { connect } from 'node:net';
import { join } from 'node:path';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Child, OnStart } from './child.ts';
import { startChild, tailOf, untilReady } from './child.ts';
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
  /** Limits of the server by their names; its own where none is given. */
  readonly dynamicConfig?: Readonly<Record<string, string>>;
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
const logName = 'temporal.log';
/** A panic of the server is followed by the stacks of all that runs in it. */
const linesOfPanic = 2000;

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

const mostStarts = 3;

/**
 * True when the server ended over a port that somebody else had. Why that happens: besides the ports that it is given it looks
 * for free ones for its inner services, and another program may take one of them before it listens, which it tells by a panic.
 */
const hadNoPort = (error: unknown, start: TemporalStart): boolean =>
  error instanceof HoldfastError &&
  error.code === 'component_failed' &&
  /address already in use|^panic: /m.test(tailOf(join(start.folder, logName), linesOfPanic));

/**
 * Starts a Temporal development server; every port is given, none is left to a default (build.md "Ports"). One that finds a port
 * of its inner services taken is started anew.
 */
export const startTemporal = async (start: TemporalStart): Promise<TemporalServer> => {
  for (let starts = 1; ; starts++) {
    try {
      return await startOnce(start);
    } catch (error) {
      if (starts === mostStarts || !hadNoPort(error, start)) throw error;
    }
  }
};

const startOnce = async (start: TemporalStart): Promise<TemporalServer> => {
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
      ...Object.entries(start.dynamicConfig ?? {}).flatMap(([name, value]) => [
        '--dynamic-config-value',
        `${name}=${value}`,
      ]),
    ],
    env: { PATH: '/usr/bin:/bin', HOME: start.folder },
    cwd: start.folder,
    logPath: join(start.folder, logName),
    stopSignal: 'SIGTERM',
    onStart: start.onStart,
  });
  await untilReady(child, () => isServing(ports.http, ports.grpc));
  const uiUrl = start.hasUi === true ? `http://${host}:${String(ports.ui)}` : undefined;
  return { child, address: `${host}:${String(ports.grpc)}`, port: ports.grpc, uiUrl };
};
