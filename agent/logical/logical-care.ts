import type { OrderOf } from '#core/agent/order.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { logicalMetaKey, logicalSetPrefix, logicalStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { LogicalVerifyReport } from '#core/logical/task.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { AgentChannel, HostWork, LogicalCareReport } from '#core/ports/host-work.ts';
import type { StepContext } from '#core/ports/step.ts';
import { noProgress } from '#core/run/progress.ts';
import type { Warning } from '#core/run/progress.ts';
import { throwIfEnded } from '#agent/backup/ended.ts';
import type { Removed } from '#agent/care/remove-objects.ts';
import {
  nothingRemoved,
  objectsBelow,
  plus,
  protectionOf,
  removeCommitPoint,
  removeObjects,
} from '#agent/care/remove-objects.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPoolOfStep } from '#agent/pools/pool-of-step.ts';
import { demandGoing } from '#agent/pools/while-paused.ts';
import { openLogicalSet } from './open-logical-set.ts';
import { cutText } from '#core/text.ts';

export interface LogicalCareDeps {
  readonly clock: Clock;
  readonly channel: Pick<AgentChannel, 'claimLogicalSet' | 'tellLogicalRemoval' | 'tellLogicalVerdict'>;
}

interface Care {
  readonly deps: LogicalCareDeps;
  readonly order: OrderOf<'logical-care'>;
  readonly step: StepContext;
  readonly pool: Pool;
}

/**
 * Reads a logical set back to its last byte, or deletes the sets that were shown. Safe to call again. Throws what is wrong
 * with a set (`object_damaged`, `object_missing`, `logical_set_not_committed`), and what the pool throws.
 */
export const careForLogicalSets =
  (deps: LogicalCareDeps): HostWork['careForLogicalSets'] =>
  async (order, step) => {
    const pool = await openPoolOfStep(order.pool, step, deps.clock);
    const { task } = order;
    const care = { deps, order, step, pool };
    try {
      return task.does === 'verify' ? await verify(care, task.setId) : await removeSets(care, task.sets);
    } catch (error) {
      throwIfEnded(step.signal);
      throw error;
    } finally {
      await pool.close();
    }
  };

async function verify({ deps, order, step, pool }: Care, setId: SetId): Promise<LogicalCareReport> {
  const tell = (damage: string | null): Promise<void> =>
    deps.channel.tellLogicalVerdict(order.runId, { setId, damage });
  try {
    const report = await readAll(pool, setId, step);
    await tell(null);
    return { report: { ...report }, warnings: [] };
  } catch (error) {
    const isVerdict = error instanceof HoldfastError && (error.class === 'corrupt' || error.code === 'object_missing');
    if (isVerdict) await tell(cutText(error.message, 2000));
    throw error;
  }
}

/** Every byte of every stream. */
async function readAll(pool: Pool, setId: SetId, step: StepContext): Promise<LogicalVerifyReport> {
  const { meta, read } = await openLogicalSet(pool, setId);
  const { rawBytes: bytesTotal, streamCount: filesTotal } = meta.summary;
  let [bytes, frames, streams] = [0, 0, 0];
  for (const stream of meta.streams) {
    for await (const part of read(stream)) {
      step.signal.throwIfAborted();
      bytes += part.length;
      frames += 1;
      step.report({ ...noProgress, phase: 'verify', bytesRead: bytes, bytesTotal, filesDone: streams, filesTotal });
    }
    streams += 1;
  }
  return { streams, frames, bytes };
}

async function removeSets(care: Care, sets: readonly SetId[]): Promise<LogicalCareReport> {
  const warnings: Warning[] = [];
  let removed = nothingRemoved;
  let gone = 0;
  for (const setId of sets) {
    await demandGoing(care.step);
    const end = await removeSet(care, setId);
    removed = plus(removed, end.removed);
    if (end.kept === undefined) gone += 1;
    else warnings.push({ code: 'logical_set_kept', detail: `${setId} is kept: ${end.kept}` });
    care.step.report({ ...noProgress, phase: 'delete', filesDone: gone, filesTotal: sets.length });
  }
  return { report: { sets: gone, ...removed }, warnings };
}

interface SetEnd {
  readonly removed: Removed;
  /** Why it stays. */
  readonly kept?: string;
}

/** The commit point first: what a killed deletion leaves is no set, and the next attempt goes on with it. */
async function removeSet({ deps, order, step, pool }: Care, setId: SetId): Promise<SetEnd> {
  const verdict = await deps.channel.claimLogicalSet(order.runId, setId);
  if (verdict.verdict === 'refused') return { removed: nothingRemoved, kept: verdict.why };
  try {
    const head = await removeCommitPoint(pool, logicalMetaKey(setId));
    const rest = await objectsBelow(pool, logicalSetPrefix(setId));
    const start = logicalStartKey(setId);
    // Why in this order: `start` says whose the pieces are.
    const pieces = await removeObjects(
      pool,
      rest.filter(({ key }) => key !== start),
      step,
    );
    const last = await removeObjects(
      pool,
      rest.filter(({ key }) => key === start),
      step,
    );
    await deps.channel.tellLogicalRemoval(order.runId, { setId, isGone: true });
    return { removed: [head, pieces, last].reduce(plus) };
  } catch (error) {
    const kept = protectionOf(error);
    const isGone = (await pool.store.head(logicalMetaKey(setId))) === undefined;
    await deps.channel.tellLogicalRemoval(order.runId, { setId, isGone });
    return { removed: nothingRemoved, kept };
  }
}
