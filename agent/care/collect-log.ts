import { branchPrefix } from '#core/format/object-key.ts';
import type { CollectTask } from '#core/care/care-task.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectInfo } from '#core/ports/object-store.ts';
import { openBatch } from '#agent/sets/log-objects.ts';
import type { CareWork } from './care-work.ts';
import { protectionOf, removeObjects } from './remove-objects.ts';

const segmentShape = /^logs\/(\d{1,20})\/([0-9a-f]{32})\/([0-9A-F]{24}(?:\.[0-9a-f]{16})?)$/;
const branchShape = /^logs\/(\d{1,20})\/([0-9a-f]{32})\//;
const batchShape = /^logs\/\d{1,20}\/[0-9a-f]{32}\/batches\//;

interface BranchOfPool {
  readonly systemId: string;
  readonly branchId: string;
}

/**
 * Collects log segments that no batch names: a killed log backup, or a deletion that was, left them. While it works on a
 * branch no log backup of that database runs, and none was given up within the grace time (the claim sees to both), so none of
 * them is about to be committed.
 */
export async function collectLog(work: CareWork, task: CollectTask): Promise<void> {
  for (const branch of await branchesIn(work)) await collectBranch(work, task, branch);
}

async function branchesIn({ pool }: CareWork): Promise<readonly BranchOfPool[]> {
  const found = new Map<string, BranchOfPool>();
  for await (const { key } of pool.store.list('logs/')) {
    const [prefix, systemId, branchId] = branchShape.exec(key) ?? [];
    if (prefix !== undefined && systemId !== undefined && branchId !== undefined)
      found.set(prefix, { systemId, branchId });
  }
  return [...found.values()];
}

async function collectBranch(
  work: CareWork,
  { isDryRun, graceHours }: CollectTask,
  { systemId, branchId }: BranchOfPool,
): Promise<void> {
  const what = `log of ${systemId} on branch ${branchId}`;
  const unclaimed = await unnamed(work, { systemId, branchId });
  if (unclaimed instanceof HoldfastError) {
    work.keep(what, `a batch cannot be read: ${unclaimed.message}`);
    return;
  }
  if (unclaimed.length === 0) return;
  const claim = await work.claim({ kind: 'log', systemId, branchId, graceHours, isDryRun });
  if (claim.verdict === 'refused') {
    work.keep(what, claim.why);
    return;
  }
  if (isDryRun) {
    work.add({ objects: unclaimed.length, bytes: unclaimed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) });
    return;
  }
  // Why again: a log backup may have committed some of them before the claim was granted.
  const now = await unnamed(work, { systemId, branchId });
  const gone = now instanceof HoldfastError ? [] : now;
  const refusal = await removeObjects(work.pool, gone, work.step).then((removed) => {
    work.add(removed);
    return undefined;
  }, protectionOf);
  if (refusal !== undefined) work.keep(what, refusal);
  await work.tell({ kind: 'log', systemId, branchId, batches: [], step: 'kept' });
}

/** Segments of a branch that no batch names, or the error of a batch that cannot be read. */
async function unnamed(
  { pool, step }: CareWork,
  { systemId, branchId }: BranchOfPool,
): Promise<readonly ObjectInfo[] | HoldfastError> {
  const segments: { readonly info: ObjectInfo; readonly object: string }[] = [];
  const named = new Set<string>();
  for await (const info of pool.store.list(branchPrefix(systemId, branchId))) {
    step.signal.throwIfAborted();
    const object = segmentShape.exec(info.key)?.[3];
    if (object !== undefined) segments.push({ info, object });
    if (!batchShape.test(info.key)) continue;
    try {
      for (const segment of openBatch(pool, info.key, await pool.store.get(info.key)).segments)
        named.add(segment.object);
    } catch (error) {
      if (error instanceof HoldfastError && error.class === 'corrupt') return error;
      throw error;
    }
  }
  return segments.filter(({ object }) => !named.has(object)).map(({ info }) => info);
}
