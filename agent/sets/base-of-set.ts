import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { baseGap, filesOf } from '#core/format/chain.ts';
import type { SetMeta } from '#core/format/meta.ts';
import { setMetaKey } from '#core/format/object-key.ts';
import type { SetId } from '#core/id.ts';
import { sha256Hex } from '../codec/hash.ts';
import type { Pool } from '../pools/open-pool.ts';

/** What is looked at of an opened base. */
interface BaseToProve {
  readonly meta: SetMeta;
  /** Hex SHA-256 of the stored `meta`. */
  readonly metaSha256: string;
}

/** Throws `set_base_missing` or `set_base_damaged` when the base of a set that is to be committed went away meanwhile. */
export async function requireBase(pool: Pool, { summary: { base, setId } }: Pick<SetMeta, 'summary'>): Promise<void> {
  if (base === undefined) return;
  const names = { set: setId, base: base.setId, pool: pool.name };
  const stored = await pool.store.get(setMetaKey(base.setId)).catch((error: unknown) => {
    const isAbsent = error instanceof HoldfastError && error.code === 'object_missing';
    throw isAbsent ? fail('set_base_missing', names, error) : error;
  });
  if (sha256Hex(stored) !== base.metaSha256) throw fail('set_base_damaged', { ...names, why: otherMeta });
}

const otherMeta = 'the SHA-256 of its meta is another';

/**
 * Opens the set that an incremental builds on and proves that it is the one it was built on: by the SHA-256 of its meta,
 * and that it has every byte that is taken from it. Undefined for a full. Throws `set_base_missing`, `set_base_damaged`
 * and what a pool throws.
 */
export async function openBaseOf<Opened extends BaseToProve>(
  pool: Pool,
  meta: SetMeta,
  open: (setId: SetId) => Promise<Opened>,
): Promise<Opened | undefined> {
  const { base: link, setId, systemId } = meta.summary;
  if (link === undefined) return undefined;
  const names = { set: setId, base: link.setId, pool: pool.name };
  const damaged = (why: string, cause?: unknown) => fail('set_base_damaged', { ...names, why }, cause);
  const base = await open(link.setId).catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
    if (error.code === 'set_not_committed') throw fail('set_base_missing', names, error);
    throw error.class === 'corrupt' ? damaged(error.message, error) : error;
  });
  const { summary } = base.meta;
  if (base.metaSha256 !== link.metaSha256) throw damaged(otherMeta);
  if (summary.systemId !== systemId) throw damaged(`it is of system id ${summary.systemId}, not ${systemId}`);
  if ((summary.base?.fullSetId ?? summary.setId) !== link.fullSetId)
    throw damaged(`its full set is not ${link.fullSetId}`);
  const gap = baseGap(meta, filesOf(base.meta));
  if (gap !== undefined) throw damaged(gap);
  return base;
}
