import type { LogLevel } from '@temporalio/worker';
import { DefaultLogger, Runtime } from '@temporalio/worker';

type Level = 'debug' | 'info' | 'warn' | 'error';
const levels: Readonly<Record<LogLevel, Level>> = {
  TRACE: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/**
 * Sets Temporal's runtime up once per process, before the first worker: log lines go to ours, workers report themselves
 * every 5 s (temporal-verified §8), and stop signals are ours to handle.
 */
export function installRuntime(write: (level: Level, message: string, meta: object) => void): void {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    write(levels[level], message, meta ?? {});
  });
  Runtime.install({ logger, workerHeartbeatInterval: '5s', shutdownSignals: [] });
}
