/** Executes one restore order as a process of its own, to be killed in the middle: argv[2] is the path of its JSON. */
import { readFileSync } from 'node:fs';
import { orderShape } from '#core/settings/shape/order.ts';
import { newTestId } from '#tests/support/backup.ts';
import { restore } from '#agent/restore/restore.ts';

const [, , path = ''] = process.argv;
const { order, home, programs, account } = JSON.parse(readFileSync(path, 'utf8')) as {
  order: unknown;
  home: string;
  programs: string;
  account: string;
};
const parsed = orderShape.parse(order);
if (parsed.kind !== 'restore') process.exit(2);
const channel = { putBatch: () => Promise.resolve() };
const run = restore({
  home,
  clock: { nowMs: () => Date.now() },
  newId: newTestId,
  channel,
  programs: () => Promise.resolve([programs]),
  logDirectories: () => Promise.resolve([]),
  account,
});
await run(parsed, {
  runId: parsed.runId,
  signal: new AbortController().signal,
  limits: () => parsed.limits,
  report: (progress) => void process.stdout.write(`${progress.phase} ${String(progress.bytesWritten)}\n`),
  log: () => undefined,
});
