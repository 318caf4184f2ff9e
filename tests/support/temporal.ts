import { inject } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { provideTemporal } from '#scripts/servers/temporal.mjs';
import type { TemporalServer } from '#scripts/supervisor/temporal.ts';
import { startTemporal } from '#scripts/supervisor/temporal.ts';
import { openFolder } from './folder.ts';
import { freePorts } from '#scripts/supervisor/free-port.ts';

/** `host:port` of the run's one Temporal server (namespace `default`). Use a task-queue prefix of your own. */
export const temporalAddress = async (): Promise<string> => {
  const response = await fetch(inject('temporalDoor'));
  const text = await response.text();
  if (!response.ok) throw bug(`the test run has a Temporal server: ${text}`);
  return text;
};

export interface OwnTemporal {
  readonly address: string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Again on the same port with the same data. */
  start(): Promise<void>;
  close(): Promise<void>;
}

/** A server of the test's own, for tests that kill or restart it. Its state is kept over restarts. */
export const openOwnTemporal = async (): Promise<OwnTemporal> => {
  const program = await provideTemporal();
  const folder = openFolder('hf-temporal-');
  const first = await startTemporal({ program, folder: folder.path, isDurable: true });
  let server: TemporalServer = first;
  return {
    address: first.address,
    kill: () => server.child.kill(),
    start: async () => {
      const [http = 0, metrics = 0] = await freePorts(2);
      const ports = { grpc: first.port, http, metrics };
      server = await startTemporal({ program, folder: folder.path, isDurable: true, ports });
    },
    close: async () => {
      await server.child.stop();
      folder.remove();
    },
  };
};
