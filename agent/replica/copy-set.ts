import type { BaseOfSet, SetSummary } from '#core/backup/set-summary.ts';
import { fail } from '#core/errors/fail.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { FrameOfSet, PieceOfSet, SetMeta } from '#core/format/meta.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import type { Pool } from '../pools/open-pool.ts';
import { openBaseOf } from '../sets/base-of-set.ts';
import { beginSet } from '../sets/begin-set.ts';
import { commitBackupSet, sizesOf } from '../sets/commit-backup-set.ts';
import type { OpenSet } from '../sets/open-set.ts';
import { openSet } from '../sets/open-set.ts';
import { keyOfPiece } from '../sets/read-frame.ts';
import type { BothKeys, CarriedPiece, PieceToCarry } from './carry-piece.ts';
import { bytesInTarget, carryPiece } from './carry-piece.ts';
import type { Copying } from './copying.ts';

/** Pieces on their way at once: reading, sealing and putting overlap, and memory holds a few of at most 64 MiB. */
const piecesAtOnce = 3;

/**
 * Copies one set, `meta` last; its base must be in the target. What an attempt before put there is compared and not sent
 * again. A set that the target has stays as it is. The copy is an ordinary set of the target: frames are sealed for their
 * place there, and the base is named by its hash there (docs/format.md §11). Throws `set_base_missing`, `set_base_damaged`,
 * `object_damaged` and what a pool throws.
 */
export async function copySet(work: Copying, setId: SetId): Promise<SetSummary> {
  const { from, to } = work;
  if ((await to.store.head(setMetaKey(setId))) !== undefined) return whatIsThere(work, setId);
  const source = await openSet(from, setId);
  await source.openBase();
  const { summary } = source.meta;
  const base = await linkIn(to, source.meta);
  const keys = { from: source.keys, to: await beginSet(to, { setId, runId: work.runId }) };
  const { pieces, frames, reused } = await carryPieces(work, source, keys);
  work.demandGoing();
  await work.demandOpen();
  const meta = { ...source.meta, pieces, frames, summary: base === undefined ? summary : { ...summary, base } };
  const committed = await commitBackupSet(to, keys.to, meta, { faults: work.faults, reused });
  reach(work, 'pool-copy.after-set');
  work.count('sets');
  return committed;
}

async function whatIsThere(work: Copying, setId: SetId): Promise<SetSummary> {
  // Why: nobody knows whether the barrier of whoever put it succeeded.
  await work.to.store.secure(setMetaKey(setId));
  const { summary } = (await openSet(work.to, setId)).meta;
  work.count('setsThere');
  work.passed(summary.storedBytes);
  return summary;
}

/**
 * The same base as it is named in the target: `meta` there has other bytes and so another hash. All else that proves a base
 * is asked of it: whatever lies there must not become the base of a good set.
 */
async function linkIn(to: Pool, meta: SetMeta): Promise<BaseOfSet | undefined> {
  const { base } = meta.summary;
  if (base === undefined) return undefined;
  const there = await openBaseOf(to, meta, async (setId) => {
    const opened = await openSet(to, setId);
    return { meta: opened.meta, metaSha256: base.metaSha256, hashThere: opened.metaSha256 };
  });
  return { ...base, metaSha256: there?.hashThere ?? base.metaSha256 };
}

function piecesToCarry({ pieces, frames }: SetMeta): readonly PieceToCarry[] {
  const found = pieces.map((piece) => ({ piece, frames: new Array<{ index: number; frame: FrameOfSet }>() }));
  for (const [index, frame] of frames.entries()) found[frame.pieceIndex]?.frames.push({ index, frame });
  for (const one of found) one.frames.sort((a, b) => a.frame.offset - b.frame.offset);
  return found;
}

/** `reused`: pieces that an attempt before put into the target. */
type Carried = Pick<SetMeta, 'pieces' | 'frames'> & { readonly reused: readonly ObjectKey[] };

async function carryPieces(work: Copying, { meta }: OpenSet, keys: BothKeys): Promise<Carried> {
  const entries = piecesToCarry(meta);
  const sizes = await sizesOf(work.to, keys.to.setId);
  const pieces = new Array<PieceOfSet>(entries.length);
  const frames = [...meta.frames];
  const reused: ObjectKey[] = [];
  let next = 0;
  let hasFailed = false;
  const carrier = async (): Promise<void> => {
    for (let at = next++, entry = entries[at]; entry !== undefined && !hasFailed; at = next++, entry = entries[at]) {
      work.demandGoing();
      const carried = await carryOne(work, keys, { entry, sizeThere: sizes.get(keyOfPiece(keys.to, entry.piece)) });
      pieces[at] = { ...entry.piece, storedBytes: carried.body.length };
      for (const { index, frame } of carried.frames) frames[index] = frame;
      if (carried.isReused) reused.push(carried.key);
      work.passed(entry.piece.storedBytes);
    }
  };
  const carriers = Array.from({ length: piecesAtOnce }, () =>
    carrier().catch((error: unknown) => {
      hasFailed = true;
      throw error;
    }),
  );
  // Why all are waited for: a put behind a failure would contend with that of the next attempt (`copy_contended`).
  await Promise.all(carriers).finally(() => Promise.allSettled(carriers));
  return { pieces, frames, reused };
}

interface OnePiece {
  readonly entry: PieceToCarry;
  /** Undefined when the target has no such object. */
  readonly sizeThere: number | undefined;
}

async function carryOne(
  work: Copying,
  keys: BothKeys,
  { entry, sizeThere }: OnePiece,
): Promise<CarriedPiece & { readonly isReused: boolean }> {
  const carried = await carryPiece(work.from, keys, entry);
  if (sizeThere !== undefined && (await isKept(work, carried, sizeThere === bytesInTarget(keys, entry))))
    return { ...carried, isReused: true };
  const outcome = await work.put(carried.key, carried.body);
  reach(work, 'pool-copy.after-piece');
  if (outcome === 'exists') throw fail('copy_contended', { object: carried.key, pool: work.to.name });
  return { ...carried, isReused: false };
}

/**
 * True when the target holds exactly the piece. One that differs was torn by a machine that lost power: nothing that is
 * committed names it, so it goes and is put again.
 */
async function isKept(work: Copying, { key, body }: CarriedPiece, hasRightSize: boolean): Promise<boolean> {
  const { store } = work.to;
  if (hasRightSize) {
    await store.secure(key);
    if (Buffer.compare(await store.get(key), body) === 0) {
      work.count('objectsReused');
      return true;
    }
  }
  await store.remove([key]);
  return false;
}
