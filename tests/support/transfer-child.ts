/** Executes one recovery of databases as a process of its own, to be killed at an instant: argv[2] is the path of its JSON. */
import { readFileSync } from 'node:fs';
import { orderShape } from '#core/settings/shape/order.ts';
import type { Fault } from '#core/faults/fault-points.ts';
import { dieAt } from '#agent/faults/die-at.ts';
import { recoverDatabases } from '#agent/transfer/recover-databases.ts';
import { newTestId } from '#tests/support/backup.ts';
import type { KillInstant } from '#tests/support/kill-transfer.ts';

const [, , path = ''] = process.argv;
const { order, instant, fault, home, programs, account } = JSON.parse(readFileSync(path, 'utf8')) as {
  order: unknown;
  instant: KillInstant;
  fault?: Fault;
  home: string;
  programs: readonly string[];
  account: string;
};
const parsed = orderShape.parse(order);
if (parsed.kind !== 'database-recovery') process.exit(2);
const faults = dieAt(fault);
const reached = (): void => void process.stdout.write('reached\n');
const forEver = (): Promise<void> => {
  reached();
  return new Promise(() => undefined);
};
/** Paused where it is to be killed in the middle of the copy. */
const copying = { isPaused: false };
const run = recoverDatabases({
  ...{ home, account, clock: { nowMs: () => Date.now() }, newId: newTestId },
  channel: { putBatch: () => Promise.resolve() },
  programs: () => Promise.resolve(programs),
  logDirectories: () => Promise.resolve([]),
});
await run(
  parsed,
  {
    runId: parsed.runId,
    signal: new AbortController().signal,
    limits: () => ({ isPaused: copying.isPaused }),
    report: ({ phase }) => {
      if (instant !== 'in the transfer' || phase !== 'transfer') return;
      copying.isPaused = true;
      reached();
    },
    log: () => undefined,
    ...(faults === undefined ? {} : { faults }),
  },
  ({ isSwapped }) => {
    if (instant === 'before the swap' && !isSwapped) return forEver();
    if (instant === 'after the swap' && isSwapped) return forEver();
    if (instant === 'at the swap' && !isSwapped) reached();
    return Promise.resolve();
  },
);
