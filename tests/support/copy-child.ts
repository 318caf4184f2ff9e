/**
 * Executes one copy from pool to pool as a process of its own that kills itself at one instant: argv[2] is the path of its
 * JSON. Instants are counted over every object that was put, every step of progress, and every commit before it is told.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { formatId } from '#core/id.ts';
import { orderShape } from '#core/settings/shape/order.ts';
import { copyPool } from '#agent/replica/copy-pool.ts';

const [, , path = ''] = process.argv;
const asked = z.object({ order: orderShape, killAt: z.number() }).parse(JSON.parse(readFileSync(path, 'utf8')));
const { order, killAt } = asked;
if (order.kind !== 'pool-copy') process.exit(2);
let instants = 0;
const pass = (): void => {
  instants += 1;
  if (instants === killAt) process.kill(process.pid, 'SIGKILL');
};
const clock = { nowMs: () => Date.now() };
const newId = <P extends Parameters<typeof formatId>[0]>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));
const copying = copyPool({ clock, newId })(order, {
  runId: order.runId,
  signal: new AbortController().signal,
  limits: () => ({}),
  report: ({ piecesDone }) => {
    process.stdout.write(`${String(piecesDone)}\n`);
    pass();
  },
  log: () => undefined,
});
for (let next = await copying.next(); next.done !== true; next = await copying.next()) pass();
