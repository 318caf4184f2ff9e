import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { branchPrefix } from '#core/format/object-key.ts';
import type { BatchId } from '#core/id.ts';
import type { BatchSummary, ReferencesOfBatch } from '#core/log/batch-summary.ts';
import { sha256Hex } from '../codec/hash.ts';
import { getReferences, sealReferences } from '../sets/log-objects.ts';
import type { Copying } from './copying.ts';

interface ReferencesToCopy {
  readonly batch: BatchSummary;
  readonly named: ReferencesOfBatch;
  /** Of the batch in the target. */
  readonly batchId: BatchId;
}

/**
 * Copies the block references of a batch. Undefined when they cannot be read: an incremental backup then reads the log
 * itself, so their loss costs time only.
 */
export async function copyReferences(work: Copying, asked: ReferencesToCopy): Promise<ReferencesOfBatch | undefined> {
  try {
    return await put(work, asked);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.class !== 'corrupt') throw error;
    work.warn({ code: 'references_lost', detail: `${error.message}; the copy of ${asked.batchId} does without them` });
    return undefined;
  }
}

async function put(work: Copying, { batch, named, batchId }: ReferencesToCopy): Promise<ReferencesOfBatch> {
  const { from, to } = work;
  const { key, stored, storedSha256 } = sealReferences(
    to,
    { ...batch, batchId },
    await getReferences(from, batch, named),
  );
  const object = key.slice(branchPrefix(batch.systemId, batch.branchId).length);
  const copied = { ...named, object, storedSha256, storedBytes: stored.length };
  if ((await work.put(key, stored)) === 'created') return copied;
  // An encrypted object seals differently each time: what an attempt before left counts, when it can be read.
  await to.store.secure(key);
  const there = await to.store.get(key);
  const left = { ...copied, storedSha256: sha256Hex(there), storedBytes: there.length };
  await getReferences(to, batch, left);
  await to.store.renewProtection?.([key], 'own');
  return left;
}
