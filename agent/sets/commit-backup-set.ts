import type { SetSummary } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { SetToCommit } from '#core/format/meta.ts';
import { metaFault } from '#core/format/meta-fault.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { pieceKey, setMetaKey, setPrefix, setStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { SetKeys } from './set-keys.ts';
import { openMeta, sealMeta } from './set-meta.ts';
import { renewProtection } from './renew-protection.ts';
import { requireBase } from './base-of-set.ts';

const incomplete = (set: SetId, what: string) => fail('set_incomplete', { set, what });

/** Sizes of the objects of a set that exist, by key. */
export async function sizesOf(pool: Pool, set: SetId): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for await (const { key, sizeBytes } of pool.store.list(setPrefix(set))) sizes.set(key, sizeBytes);
  return sizes;
}

async function checkPieces(pool: Pool, meta: Pick<SetToCommit, 'summary' | 'pieces'>): Promise<readonly ObjectKey[]> {
  const { setId } = meta.summary;
  const sizes = await sizesOf(pool, setId);
  return meta.pieces.map(({ attempt, piece, storedBytes }) => {
    const key = pieceKey(setId, attempt, piece);
    const found = sizes.get(key);
    if (found === undefined) throw incomplete(setId, `piece ${key} is not in pool ${pool.name}`);
    if (found !== storedBytes)
      throw incomplete(setId, `piece ${key} has ${String(found)} bytes instead of ${String(storedBytes)}`);
    return key;
  });
}

/** Counts what the metadata holds, so that the head of a set cannot contradict its body. */
function summaryOf(pool: Pool, { summary, pieces, members }: SetToCommit): SetSummary {
  let [fileCount, rawBytes] = [0, 0];
  for (const member of members) {
    if (member.kind !== 'file') continue;
    fileCount++;
    rawBytes += member.sizeBytes;
  }
  return {
    ...summary,
    isEncrypted: pool.key !== undefined,
    fileCount,
    rawBytes,
    storedBytes: pieces.reduce((sum, piece) => sum + piece.storedBytes, 0),
    pieceCount: pieces.length,
  };
}

interface Committing {
  readonly faults?: Faults | undefined;
  /** Pieces that were in the pool before; absent: those of another attempt than that of the set. */
  readonly reused?: readonly ObjectKey[];
}

const ofEarlierAttempts = ({ summary, pieces }: Pick<SetToCommit, 'summary' | 'pieces'>): readonly ObjectKey[] =>
  pieces
    .filter(({ attempt }) => attempt !== summary.attemptId)
    .map(({ attempt, piece }) => pieceKey(summary.setId, attempt, piece));

/**
 * Makes a set visible: the only place that does (design §3). Checks that every piece is there with its size and that the
 * log range is inside, makes all of it durable, sees to it that in an immutable pool its pieces and what it needs stay protected as long as it is, then creates `meta`. A set that was committed before, by this attempt or
 * by an earlier one whose answer was lost, stays as it is and its summary is returned. The counts and `isEncrypted` of
 * the summary are computed here. Throws `set_incomplete`, `set_base_missing`, `set_base_damaged` and what the pool throws.
 */
export async function commitBackupSet(
  pool: Pool,
  keys: SetKeys,
  meta: SetToCommit,
  step: Committing = {},
): Promise<SetSummary> {
  const { setId } = keys;
  const committed = await committedSummary(pool, keys);
  if (committed !== undefined) return committed;
  if (meta.summary.setId !== setId) throw incomplete(setId, `its metadata is that of ${meta.summary.setId}`);
  const fault = metaFault(meta);
  if (fault !== undefined) throw incomplete(setId, fault);
  await requireBase(pool, meta);
  const pieces = await checkPieces(pool, meta);
  // Pieces of an earlier process may never have been fsynced: name them all before the commit point is written.
  await pool.store.barrier(pieces);
  // Else a set would seem protected for longer than a piece of it that an earlier attempt put.
  await pool.store.renewProtection?.([...(step.reused ?? ofEarlierAttempts(meta)), setStartKey(setId)], 'own');
  await renewProtection(pool, meta);
  const summary = summaryOf(pool, meta);
  reach(step, 'backup.before-meta');
  const outcome = await pool.store.putIfAbsent(setMetaKey(setId), sealMeta(keys, { ...meta, summary }));
  reach(step, 'backup.after-meta');
  await pool.store.barrier([setMetaKey(setId)]);
  if (outcome === 'created') return summary;
  const first = await committedSummary(pool, keys);
  if (first === undefined) throw incomplete(setId, `pool ${pool.name} has ${setMetaKey(setId)} and has it not`);
  return first;
}

async function committedSummary(pool: Pool, keys: SetKeys): Promise<SetSummary | undefined> {
  if ((await pool.store.head(setMetaKey(keys.setId))) === undefined) return undefined;
  await pool.store.secure(setMetaKey(keys.setId));
  return openMeta(keys, await pool.store.get(setMetaKey(keys.setId))).summary;
}
