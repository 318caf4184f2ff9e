import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { fieldsOf, hasField, hexField, parseJson, textField } from '#core/format/fields.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
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

const lockOf = (pool: Pool, start: ObjectKey): ObjectLock => ({ pool: pool.id, object: start, kind: 'start' });
const contextOf = (pool: Pool, setId: SetId): string => `${pool.id}\n${setId}`;

const damaged = (pool: Pool, start: ObjectKey, what: string, cause?: unknown) =>
  fail('object_damaged', { pool: pool.name, object: start, what }, cause);

/** A set and the key of its `start`: logical sets have keys of their own. */
interface Start {
  readonly setId: SetId;
  readonly start: ObjectKey;
}

function parseStart(
  pool: Pool,
  { setId, start }: Start,
  text: string,
): { readonly runId: RunId; readonly wrappedKey?: string } {
  try {
    const fields = fieldsOf(parseJson(text, 'start'), 'start');
    if (parseId('set', textField(fields, 'setId')) !== setId) throw damaged(pool, start, 'it belongs to another set');
    const head = { runId: parseId('run', textField(fields, 'runId')) };
    return hasField(fields, 'wrappedKey')
      ? { ...head, wrappedKey: hexField(fields, 'wrappedKey', wrappedBytes) }
      : head;
  } catch (cause) {
    if (cause instanceof HoldfastError && cause.code === 'object_damaged') throw cause;
    throw damaged(pool, start, 'its content cannot be read', cause);
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
export async function readSetKeys(pool: Pool, setId: SetId, start: ObjectKey = setStartKey(setId)): Promise<SetKeys> {
  const keys = { poolId: pool.id, setId };
  const text = Buffer.from(openObject(await pool.store.get(start), lockOf(pool, start))).toString('utf8');
  const { wrappedKey } = parseStart(pool, { setId, start }, text);
  if (pool.key === undefined) return keys;
  if (wrappedKey === undefined) throw damaged(pool, start, 'it has no data key although the pool is encrypted');
  const at = { pool: pool.name, object: start };
  const unwrap = (): Uint8Array => unwrapUnderAny(pool, wrappedKey, contextOf(pool, setId), at);
  return { ...keys, dataKey: await openedUnderNewest(pool, unwrap) };
}

/**
 * Begins a set, or goes on with one: `start` is written once, so every attempt of the same set has the same data key
 * and what earlier attempts put stays readable. Durable when it returns. Throws what the pool throws.
 */
export async function beginSet(
  pool: Pool,
  { setId, runId }: { readonly setId: SetId; readonly runId: RunId },
  start: ObjectKey = setStartKey(setId),
): Promise<SetKeys> {
  const wrapped = pool.key === undefined ? {} : { wrappedKey: wrapKey(pool.key, newDataKey(), contextOf(pool, setId)) };
  const body = Buffer.from(JSON.stringify({ setId, runId, ...wrapped }));
  const isThere = (await pool.store.head(start)) !== undefined;
  const isOurs =
    !isThere && (await pool.store.putIfAbsent(start, sealObject(body, lockOf(pool, start), 0))) === 'created';
  // Why: nobody knows whether the barrier of the attempt that put it succeeded, and without its key the set is lost.
  if (!isOurs) await pool.store.secure(start);
  await pool.store.barrier([start]);
  return readSetKeys(pool, setId, start);
}
