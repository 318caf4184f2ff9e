import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { PieceOfSet } from '#core/format/meta.ts';
import type { VerifyReport } from '#core/restore/report.ts';
import type { Pool } from '../pools/open-pool.ts';
import { sizesOf } from './commit-backup-set.ts';
import type { OpenSet } from './open-set.ts';
import { keyOfPiece } from './read-frame.ts';

export type Damage = VerifyReport['damage'][number];

const isAboutThePool = (error: HoldfastError): boolean => error.class === 'corrupt';

/** Damage is a finding; an unreachable pool is an error of the run. */
export function findingOf(object: string, error: unknown): Damage {
  if (!(error instanceof HoldfastError) || !isAboutThePool(error)) throw error;
  return { object: error.params['object'] ?? object, what: `${error.code}: ${error.message}` };
}

function sizeError(pool: Pool, object: string, found: number | undefined, expected: number): HoldfastError {
  const params = { pool: pool.name, object };
  if (found === undefined) return fail('object_missing', params);
  if (found < expected) return fail('object_short', { ...params, found: String(found), expected: String(expected) });
  return fail('object_damaged', {
    ...params,
    what: `it has ${String(found)} bytes where ${String(expected)} are recorded`,
  });
}

/** Of an object that is gone (`found` absent) or has another size than recorded. */
export const sizeDamage = (
  pool: Pool,
  object: string,
  { found, expected }: { readonly found: number | undefined; readonly expected: number },
): Damage => findingOf(object, sizeError(pool, object, found, expected));

/** Pieces of a set, or those of `pieces`, that are gone or have another size than recorded. */
export async function pieceDamage(
  pool: Pool,
  { meta, keys }: Pick<OpenSet, 'meta' | 'keys'>,
  pieces: readonly PieceOfSet[] = meta.pieces,
): Promise<readonly Damage[]> {
  const sizes = await sizesOf(pool, keys.setId);
  return pieces.flatMap((piece) => {
    const object = keyOfPiece(keys, piece);
    const found = sizes.get(object);
    return found === piece.storedBytes ? [] : [sizeDamage(pool, object, { found, expected: piece.storedBytes })];
  });
}
