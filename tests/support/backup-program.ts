/** A full backup in a process of its own, for tests that kill it: home in argv[2], the order on standard input, progress out. */
import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { takeFullBackup } from '#agent/backup/take-full-backup.ts';
import type { OrderOf } from '#core/agent/order.ts';
import { formatId } from '#core/id.ts';

const order = JSON.parse(await text(process.stdin)) as OrderOf<'full-backup'>;
const backUp = takeFullBackup({
  home: process.argv[2] ?? '',
  clock: { nowMs: () => Date.now() },
  newId: (prefix) => formatId(prefix, Date.now(), randomBytes(10)),
  neededLog: () => Promise.resolve([]),
  toolVersion: '0.0.0-test',
});
await backUp(order, {
  runId: order.runId,
  signal: new AbortController().signal,
  report: (progress) => process.stdout.write(`${JSON.stringify(progress)}\n`),
  log: () => undefined,
  limits: () => order.options.limits,
});
