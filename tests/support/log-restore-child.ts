/** Executes one log restore as a process of its own that stands still at a segment, to be killed there: argv[2] is the path of its JSON. */
import { readFileSync, writeSync } from 'node:fs';
import { orderShape } from '#core/settings/shape/order.ts';
import { restoreLog } from '#agent/log-restore/restore-log.ts';

const [, , path = ''] = process.argv;
const { order, home, account, segments } = JSON.parse(readFileSync(path, 'utf8')) as {
  order: unknown;
  home: string;
  account: string;
  segments: number;
};
const parsed = orderShape.parse(order);
if (parsed.kind !== 'log-restore') process.exit(2);
const work = restoreLog({
  ...{ home, account },
  clock: { nowMs: () => Date.now() },
  logDirectories: () => Promise.resolve([]),
});
await work(parsed, {
  runId: parsed.runId,
  signal: new AbortController().signal,
  limits: () => parsed.limits,
  report: ({ filesDone }) => {
    if (filesDone < segments) return;
    writeSync(1, 'reached\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  log: () => undefined,
});
