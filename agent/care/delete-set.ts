import { refusalOf, standingOf } from '#core/care/mark.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { marksPrefix, setKeysPrefix, setMetaKey, setPrefix, setStartKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { CareWork } from './care-work.ts';
import { readMarks } from './marks.ts';
import { objectsBelow, protectionOf, removeCommitPoint, removeObjects } from './remove-objects.ts';

/**
 * Deletes one set: claims it (nobody reads it from then on), looks at its marks in the pool, removes `meta` first, so that
 * it is no set any more, then pieces, `start` and what belongs to it. Killed anywhere, the next attempt goes on where it was. Marks and
 * keys that were put late may be protected longer than the set: they stay, are named, and a later collection takes them.
 */
export async function deleteSet(work: CareWork, setId: SetId): Promise<void> {
  const isGone = (await work.pool.store.head(setMetaKey(setId))) === undefined;
  const claim = await work.claim({ kind: 'set', setId, ...(isGone ? { isGone } : {}) });
  if (claim.verdict === 'refused') {
    work.keep(setId, claim.why);
    return;
  }
  if (claim.verdict === 'done') return void (work.sets += 1);
  const refusal = await refusalInPool(work, setId);
  if (refusal !== undefined) {
    await work.tell({ kind: 'set', setId, step: 'kept' });
    work.keep(setId, refusal);
    return;
  }
  work.add(await removeCommitPoint(work.pool, setMetaKey(setId)));
  await work.tell({ kind: 'set', setId, step: 'removed' });
  await removePieces(work, setId);
  const refusalOfSides = await removeSides(work, setId).then(() => undefined, protectionOf);
  if (refusalOfSides !== undefined) work.keep(`marks and keys of ${setId}`, refusalOfSides);
  await work.tell({ kind: 'set', setId, step: 'done' });
  work.sets += 1;
}

/** Marks in the pool are the truth: the catalog that granted the claim may have been rebuilt without them. */
async function refusalInPool({ pool, deps }: CareWork, setId: SetId): Promise<string | undefined> {
  const { marks, unreadable } = await readMarks(pool, setId);
  const [damaged] = unreadable;
  if (damaged !== undefined) return `one of its marks cannot be read: ${damaged.message}`;
  return refusalOf(standingOf(marks), instantFromMs(deps.clock.nowMs()));
}

/** Pieces, then `start`, which says whose they are; then marks and keys. */
export async function removeRest(work: CareWork, setId: SetId): Promise<void> {
  await removePieces(work, setId);
  await removeSides(work, setId);
}

const removePieces = (work: CareWork, setId: SetId): Promise<void> =>
  removeAllBelow(work, setPrefix(setId), setStartKey(setId));

/** Everything below a prefix, `start` last: it says whose the rest is. */
export async function removeAllBelow(work: CareWork, prefix: string, start: ObjectKey): Promise<void> {
  const { pool, step } = work;
  const all = await objectsBelow(pool, prefix);
  const pieces = all.filter(({ key }) => key !== start);
  for (const some of [pieces, all.filter(({ key }) => key === start)]) work.add(await removeObjects(pool, some, step));
}

/** Marks and keys mean nothing without the set. */
async function removeSides(work: CareWork, setId: SetId): Promise<void> {
  const { pool, step } = work;
  const sides = [
    ...(await objectsBelow(pool, marksPrefix(setId))),
    ...(await objectsBelow(pool, setKeysPrefix(setId))),
  ];
  work.add(await removeObjects(pool, sides, step));
}
