import { z } from 'zod';
import { addRunEvents, getRun } from '#catalog/runs/runs.ts';
import { findTransfer, keepPlaces } from '#catalog/transfers.ts';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { placesToldShape } from '#core/settings/shape/transfer.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { keptWords } from '#core/transfer/kept.ts';
import type { PlacesTold } from '#core/transfer/task.ts';
import type { Context } from '../context.ts';
import { demandAssigned } from '#api/starts/orders.ts';
import type { Route } from '#api/http/route.ts';
import { route } from '#api/http/route.ts';

const kinds: readonly string[] = ['database-recovery', 'logical-restore'];

/** What hosts tell of swaps in live instances. */
export const transferAgentRoutes = (context: Context): Route[] => [
  route({
    method: 'put',
    path: '/agent/v1/runs/{run}/placed',
    title: 'Tell what a swap is about to place, which only an open run may, or what it placed; idempotent',
    access: 'host',
    status: 204,
    params: z.object({ run: idShape('run') }),
    body: placesToldShape,
    serve: async ({ params, body, caller }) => {
      if (caller.kind !== 'host') throw fail('host_key_refused', {});
      const run = await getRun(context.catalog, params.run);
      // Why not when it is over: nobody waits for this swap any more. One that happened is heard at any time.
      const isTooLate = isFinal(run.state) && !body.isSwapped && body.placed.length > 0;
      demandAssigned(run, params.run, caller.hostId, isTooLate);
      if (!kinds.includes(run.kind)) throw fail('order_refused', { run: run.id, host: caller.hostId });
      await keep(context, run.id, body);
      return { answer: undefined };
    },
  }),
];

/** The log of the run says once what is kept, and the commands for it. */
async function keep({ catalog }: Context, run: RunId, told: PlacesTold): Promise<void> {
  await catalog.transaction(async (db) => {
    const before = await findTransfer(db, run);
    await keepPlaces(db, run, told);
    const words = told.isSwapped && before?.kept !== 'kept' ? keptWords(run, told) : undefined;
    if (words !== undefined) await addRunEvents(db, run, [{ level: 'info', message: words }]);
  });
}
