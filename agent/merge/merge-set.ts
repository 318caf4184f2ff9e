import type { OrderOf } from '#core/agent/order.ts';
import { mergedSummary } from '#core/backup/merged-summary.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import { oneAfterTheOther } from '#core/format/meta.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import type { IdSource } from '#core/ports/id-source.ts';
import type { StepContext } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import { commitJournalled } from '#agent/backup/commit-journalled.ts';
import { committedSummary } from '#agent/backup/committed-summary.ts';
import type { RunJournal } from '#agent/backup/run-journal.ts';
import { acknowledging, openRunJournal } from '#agent/backup/run-journal.ts';
import { openCopy } from '#agent/copy/open-copy.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { patienceOf } from '#agent/pools/retry.ts';
import { beginSet } from '#agent/sets/begin-set.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { openChain } from '#agent/sets/open-chain.ts';
import { planMerge } from './plan-merge.ts';

export interface MergeDeps {
  /** The agent's own directory: journals of runs lie below `runs/`. */
  readonly home: string;
  readonly newId: IdSource;
  readonly toolVersion: string;
}

interface Merge {
  readonly deps: MergeDeps;
  readonly order: OrderOf<'merge-set'>;
  readonly step: StepContext;
  readonly journal: RunJournal;
  readonly pool: Pool;
}

/**
 * Makes a full of an incremental and all it builds on, from the pool alone: the database is not touched (issue 4 "synthetic
 * full"). Packed frames are carried over as they are where most of them is wanted; `meta` comes last. Safe to call again at
 * any time with the same order: what the pool acknowledged is not sent again, and after the commit it answers the committed
 * set. Throws `set_not_incremental`, `merge_space_short`, `set_not_committed`, `set_base_missing`, `set_base_damaged`,
 * `object_damaged`, `extent_damaged`, `cancelled` and what a pool throws.
 */
export const mergeSet =
  (deps: MergeDeps): HostWork['mergeSet'] =>
  async (order, step) => {
    const journal = openRunJournal(deps.home, order.runId);
    try {
      const pool = await openPool(order.pool, patienceOf(step));
      try {
        return (await committedSummary(pool, order.setId)) ?? (await merge({ deps, order, step, journal, pool }));
      } finally {
        await pool.close();
      }
    } finally {
      journal.close();
    }
  };

async function merge({ deps, order, step, journal, pool }: Merge): Promise<SetSummary> {
  step.report({ ...noProgress, phase: 'read' });
  const chain = await openChain(pool, order.from);
  const [newest] = chain;
  const { summary } = newest.meta;
  if (summary.base === undefined) throw fail('set_not_incremental', { set: summary.setId });
  const plan = planMerge(chain);
  await demandSpace(pool, plan.storedBytes, journal);
  tell(step, chain, plan.storedBytes);
  const attemptId = deps.newId('try');
  const keys = await beginSet(pool, { setId: order.setId, runId: order.runId });
  const { channels, compression } = order;
  const copy = await openCopy(
    {
      ...{ pool: order.pool, set: keys, attemptId, channels, compression },
      ...{ beginLsn: summary.beginLsn, pageBytes: summary.pageBytes, acknowledged: journal.acknowledged },
      onAcknowledged: acknowledging(journal, step),
    },
    step,
  );
  try {
    await copy.carry(plan);
    const { pieces, frames, members } = await copy.finish({});
    step.signal.throwIfAborted();
    const own = { setId: order.setId, runId: order.runId, attemptId, toolVersion: deps.toolVersion };
    return await commitJournalled({ pool, step, journal }, keys, {
      summary: mergedSummary(summary, { ...own, metaSha256: newest.metaSha256 }),
      ...{ pieces, frames, damagedPages: newest.meta.damagedPages },
      members: oneAfterTheOther(
        newest.meta.members.filter(({ kind }) => kind !== 'file'),
        members,
      ),
    });
  } finally {
    await copy.close();
  }
}

/** A pool that would be full before the end is left alone. What acknowledged pieces hold is there already. */
async function demandSpace(pool: Pool, bytes: number, { acknowledged }: RunJournal): Promise<void> {
  const free = await pool.store.freeBytes();
  const needed = bytes - acknowledged.reduce((sum, { piece }) => sum + piece.storedBytes, 0);
  if (free !== undefined && free < needed)
    throw fail('merge_space_short', { pool: pool.name, needed: String(Math.ceil(needed)), free: String(free) });
}

function tell(step: StepContext, chain: SetChain, bytes: number): void {
  const ids = chain.map(({ keys }) => keys.setId);
  const message = `one full of ${ids.join(', ')}: at most ${String(bytes)} stored bytes are read`;
  step.log({ level: 'info', message });
}
