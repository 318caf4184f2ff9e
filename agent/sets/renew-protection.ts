import type { SetSummary } from '#core/backup/set-summary.ts';
import type { SetMeta } from '#core/format/meta.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { keyFilesPrefix, poolKey, setMetaKey, setStartKey } from '#core/format/object-key.ts';
import { compareLsn, lsnToNumber } from '#core/wal/lsn.ts';
import { readBranch } from '#agent/wal/committed-log.ts';
import type { Pool } from '../pools/open-pool.ts';
import { keyOfBatch } from './log-objects.ts';
import { openChain } from './open-chain.ts';
import type { OpenSet } from './open-set.ts';
import { keyOfPiece } from './read-frame.ts';
import { keyOfLog } from './seal-log.ts';

/**
 * Renews, in a pool that protects its objects, the protection of all that a set needs before the set becomes visible: the sets it
 * builds on, its log where it holds none (D-021), and what opens the pool. Else a base could be deleted while a set that cannot
 * be restored without it is still protected. Safe to repeat. Does nothing in other pools. Throws what the pool throws.
 */
export async function renewProtection(pool: Pool, { summary }: Pick<SetMeta, 'summary'>): Promise<void> {
  const { store } = pool;
  if (store.renewProtection === undefined) return;
  const bases = summary.base === undefined ? [] : await openChain(pool, summary.base.setId);
  // The full first: a run that dies in between leaves no base that is protected longer than what it builds on.
  for (const base of [...bases].reverse()) await store.renewProtection(objectsOf(base), 'needed');
  await store.renewProtection(await ownLog(pool, summary), 'needed');
  for await (const { key } of store.list(keyFilesPrefix())) await store.renewProtection([key], 'needed');
  await store.renewProtection([poolKey()], 'needed');
}

/** The commit point last: it says for the next one that all the others were renewed, too. */
const objectsOf = ({ keys, meta }: OpenSet): readonly ObjectKey[] => [
  setStartKey(keys.setId),
  ...meta.pieces.map((piece) => keyOfPiece(keys, piece)),
  setMetaKey(keys.setId),
];

/** What of the log of a set without its own is there already, the batches last; what comes later is protected from then on. */
async function ownLog(pool: Pool, summary: SetSummary): Promise<readonly ObjectKey[]> {
  if (summary.isConsistent) return [];
  const { systemId, branchId, beginLsn, endLsn } = summary;
  const branch = await readBranch(pool, { systemId, branchId }, lsnToNumber(beginLsn));
  const isOurs = (part: { readonly from: typeof endLsn; readonly to: typeof endLsn }): boolean =>
    compareLsn(part.from, endLsn) < 0 && compareLsn(part.to, beginLsn) > 0;
  const batches = branch.batches.filter(isOurs);
  const segments = batches.flatMap((batch) => batch.segments.filter(isOurs));
  return [
    ...segments.map(({ object }) => keyOfLog({ systemId, branchId, name: object })),
    ...batches.map((batch) => keyOfBatch(batch)),
  ];
}
