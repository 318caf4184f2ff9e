import type { OrderOf } from '#core/agent/order.ts';
import type { PoolCopyReport } from '#core/care/pool-copy.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { SetId } from '#core/id.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { CommittedInPool, HostWork } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { copyLog } from './copy-log.ts';
import { copySet } from './copy-set.ts';
import { copyWords } from './copy-words.ts';
import { Copying } from './copying.ts';
import { tellOfLacking } from './needed-log.ts';

export interface CopyPoolDeps {
  readonly clock: Clock;
  readonly newId: IdSource;
}

/**
 * Copies sets and log from one pool to another (K-005) without the database: sets first, each whole before the next, then
 * log. Yields what is committed in the target. Safe to call again after a kill at any instant. What is damaged in the source
 * is passed over and makes the whole fail at its end with `copy_incomplete`; everything else is there then.
 */
export const copyPool =
  (deps: CopyPoolDeps): HostWork['copyPool'] =>
  (order, step) =>
    copying(deps, order, step);

async function* copying(
  { clock, newId }: CopyPoolDeps,
  order: OrderOf<'pool-copy'>,
  step: StepContext,
): AsyncGenerator<CommittedInPool, PoolCopyReport> {
  const from = await openPoolOfStep(order.from, step, clock);
  try {
    const to = await openPoolOfStep(order.to, step, clock);
    try {
      const work = new Copying({ from, to, order, step, newId });
      yield* copySets(work);
      yield* copyAllLog(work);
      await tellOfLacking(work);
      demandWhole(work);
      return work.result;
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

async function* copySets(work: Copying): AsyncGenerator<CommittedInPool> {
  for (const setId of work.order.task.sets) {
    work.demandGoing();
    const found = await orFailure(work, setId);
    if (found === undefined) continue;
    if (!found.isConsistent) work.needingLog.push(found);
    yield { kind: 'set', set: found };
    for (const mark of await copyWords(work, setId)) yield { kind: 'mark', mark };
  }
}

async function* copyAllLog(work: Copying): AsyncGenerator<CommittedInPool> {
  for (const systemId of work.order.task.systems)
    for await (const batch of copyLog(work, systemId)) yield { kind: 'batch', batch };
}

/** One set that cannot be read does not keep the others from being safe. */
async function orFailure(work: Copying, setId: SetId) {
  try {
    return await copySet(work, setId);
  } catch (error) {
    if (!(error instanceof HoldfastError) || !isAboutSet(error)) throw error;
    work.failed({ what: setId, why: error.message });
    return undefined;
  }
}

const isAboutSet = ({ class: kind, code }: HoldfastError): boolean =>
  kind === 'corrupt' || code === 'set_not_committed';

function demandWhole({ failures, from, to }: Copying): void {
  const [first] = failures;
  if (first === undefined) return;
  const { what, why } = first;
  throw fail('copy_incomplete', { count: String(failures.length), from: from.name, to: to.name, what, why });
}
