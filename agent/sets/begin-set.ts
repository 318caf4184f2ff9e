import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fieldsOf, hasField, hexField, parseJson, textField } from '#core/format/fields.ts';
import { setStartKey } from '#core/format/object-key.ts';
import type { RunId, SetId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import { newDataKey, unwrapKey, wrapKey } from '../codec/keys.ts';
import type { ObjectLock } from '../codec/sealed-object.ts';
import { openObject, sealObject } from '../codec/sealed-object.ts';
import { openedUnderNewest } from '../pools/newest-key.ts';
import type { Pool } from '../pools/open-pool.ts';
import type { SetKeys } from './set-keys.ts';

/** 12-byte nonce, 32-byte key, 16-byte tag. */
const wrappedBytes = 60;

const lockOf = (pool: Pool, setId: SetId): ObjectLock => ({ pool: pool.id, object: setStartKey(setId), kind: 'start' });
const contextOf = (pool: Pool, setId: SetId): string => `${pool.id}\n${setId}`;

const damaged = (pool: Pool, setId: SetId, what: string, cause?: unknown) =>
  fail('object_damaged', { pool: pool.name, object: setStartKey(setId), what }, cause);

function parseStart(pool: Pool, setId: SetId, text: string): { readonly runId: RunId; readonly wrappedKey?: string } {
  try {
    const fields = fieldsOf(parseJson(text, 'start'), 'start');
    if (parseId('set', textField(fields, 'setId')) !== setId) throw damaged(pool, setId, 'it belongs to another set');
    const head = { runId: parseId('run', textField(fields, 'runId')) };
    return hasField(fields, 'wrappedKey')
      ? { ...head, wrappedKey: hexField(fields, 'wrappedKey', wrappedBytes) }
      : head;
  } catch (cause) {
    if (cause instanceof HoldfastError && cause.code === 'object_damaged') throw cause;
    throw damaged(pool, setId, 'its content cannot be read', cause);
  }
}

/** Wrapped under the key of the version in which the set began. Throws `object_damaged`. */
function unwrapUnderAny(
  { key, olderKeys = [] }: Pick<Pool, 'key' | 'olderKeys'>,
  wrapped: string,
  context: string,
  at: { readonly pool: string; readonly object: string },
): Uint8Array {
  const keys = [...(key === undefined ? [] : [key]), ...olderKeys];
  let first: unknown;
  for (const each of keys) {
    try {
      return unwrapKey(each, wrapped, context, at);
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

/** The keys of a set that was begun. Throws `object_missing`, `object_damaged`, `passphrase_old` of one begun after a rotation. */
export async function readSetKeys(pool: Pool, setId: SetId): Promise<SetKeys> {
  const keys = { poolId: pool.id, setId };
  const stored = await pool.store.get(setStartKey(setId));
  const { wrappedKey } = parseStart(pool, setId, Buffer.from(openObject(stored, lockOf(pool, setId))).toString('utf8'));
  if (pool.key === undefined) return keys;
  if (wrappedKey === undefined) throw damaged(pool, setId, 'it has no data key although the pool is encrypted');
  const at = { pool: pool.name, object: setStartKey(setId) };
  const unwrap = (): Uint8Array => unwrapUnderAny(pool, wrappedKey, contextOf(pool, setId), at);
  return { ...keys, dataKey: await openedUnderNewest(pool, unwrap) };
}

/**
 * Begins a set, or goes on with one: `start` is written once, so every attempt of the same set has the same data key
 * and what earlier attempts put stays readable. Durable when it returns. Throws what the pool throws.
 */
export async function beginSet(pool: Pool, set: { readonly setId: SetId; readonly runId: RunId }): Promise<SetKeys> {
  const { setId, runId } = set;
  const wrapped = pool.key === undefined ? {} : { wrappedKey: wrapKey(pool.key, newDataKey(), contextOf(pool, setId)) };
  const body = Buffer.from(JSON.stringify({ setId, runId, ...wrapped }));
  const isThere = (await pool.store.head(setStartKey(setId))) !== undefined;
  const isOurs =
    !isThere &&
    (await pool.store.putIfAbsent(setStartKey(setId), sealObject(body, lockOf(pool, setId), 0))) === 'created';
  // Why: nobody knows whether the barrier of the attempt that put it succeeded, and without its key the set is lost.
  if (!isOurs) await pool.store.secure(setStartKey(setId));
  await pool.store.barrier([setStartKey(setId)]);
  return readSetKeys(pool, setId);
}
