import { resolve } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { poolKey } from '#core/format/object-key.ts';
import type { PoolFile, PoolFileParts } from '#core/format/pool-file.ts';
import { formatPoolBody, formatPoolFile, parsePoolBody, splitPoolFile } from '#core/format/pool-file.ts';
import { formatVersions } from '#core/format/version.ts';
import type { PoolId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { refuseUsedGround } from '#agent/datadir/writer-ground.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { derivePoolKey, macHex, newScryptParameters } from '../codec/keys.ts';
import { sha256Hex } from '../codec/hash.ts';
import { localError } from './local-paths.ts';
import type { PoolGround } from './pool-ground.ts';
import type { PoolKeys } from './pool-keys.ts';
import { poolMacInfo, proveKeys } from './pool-keys.ts';
import { openGround, placeInWords } from './open-store.ts';
import type { Patience } from './retry.ts';
import { poolRetries, retriesWith, retrying, withRetries } from './retry.ts';

/** An opened pool: the right one, in a format we know, with its key when it is encrypted. */
export interface Pool {
  readonly id: PoolId;
  readonly name: string;
  readonly store: ObjectStore;
  /** 32 bytes; present exactly when the pool is encrypted. Wraps data keys and seals log, never leaves the agent. */
  readonly key?: Uint8Array;
  /** Keys of before rotations, the newest first. */
  readonly olderKeys?: readonly Uint8Array[];
  close(): Promise<void>;
}

const damaged = (access: PoolAccess, what: string, cause?: unknown) =>
  fail('object_damaged', { pool: access.name, object: poolKey(), what }, cause);

function parseFile(access: PoolAccess, parts: PoolFileParts): PoolFile {
  try {
    return parsePoolBody(parts.body);
  } catch (cause) {
    throw damaged(access, 'its description cannot be read', cause);
  }
}

async function readPoolFile(
  access: PoolAccess,
  store: ObjectStore & PoolGround,
): Promise<{ readonly file: PoolFile; readonly parts: PoolFileParts }> {
  const isThere = await retrying(poolRetries, () => store.isThere());
  if (!isThere) throw fail('pool_unreachable', { pool: access.name, why: `${placeInWords(access)} does not exist` });
  const text = await withRetries(store)
    .get(poolKey())
    .catch((error: unknown) => {
      const isAbsent = error instanceof HoldfastError && error.code === 'object_missing';
      throw isAbsent ? fail('pool_unknown', { place: placeInWords(access) }, error) : error;
    });
  const parts = splitPoolFile(Buffer.from(text).toString('utf8'));
  if (parts === undefined) throw damaged(access, 'it is not a pool description');
  if (sha256Hex(parts.body) !== parts.sha256) throw damaged(access, 'its SHA-256 does not match');
  return { parts, file: parseFile(access, parts) };
}

const protectionOf = ({ place }: PoolAccess): { readonly immutableDays?: number } =>
  place.kind === 's3' && place.immutableDays !== undefined ? { immutableDays: place.immutableDays } : {};

/** Whoever writes must protect as the pool says, or a part of it could be deleted. */
function demandProtection(access: PoolAccess, { immutableDays: wanted = 0 }: PoolFile): void {
  const { immutableDays: given = 0 } = protectionOf(access);
  if (wanted !== given)
    throw fail('pool_protection_differs', { pool: access.name, wanted: String(wanted), given: String(given) });
}

/** What a pool proved to be. */
export interface ProvenPool {
  readonly file: PoolFile;
  /** The whole text of `holdfast.json`. */
  readonly text: string;
  /** Present exactly when it is encrypted. */
  readonly keys?: PoolKeys;
}

/** Throws `pool_unreachable`, `pool_unknown`, `pool_other`, `pool_format_newer`, `object_damaged`, `passphrase_…`. */
export async function prove(access: PoolAccess, store: ObjectStore & PoolGround): Promise<ProvenPool> {
  const { file, parts } = await readPoolFile(access, store);
  const readable = formatVersions.pool.written;
  if (file.format > readable)
    throw fail('pool_format_newer', {
      object: placeInWords(access),
      found: String(file.format),
      readable: String(readable),
    });
  if (file.poolId !== access.poolId)
    throw fail('pool_other', { place: placeInWords(access), found: file.poolId, expected: access.poolId });
  demandProtection(access, file);
  const { scrypt } = file;
  const text = formatPoolFile(parts);
  if (scrypt !== undefined) {
    const keys = await proveKeys(access, withRetries(store), { file: { ...file, scrypt }, parts });
    return { file, text, keys };
  }
  if (access.secrets.passphrase !== undefined) throw fail('passphrase_unused', { pool: access.name });
  return { file, text };
}

/**
 * Opens a pool after proving that it is the one registered. Takes about 0.4 s of CPU in encrypted pools (scrypt).
 * Once it is open, `patience` is how long it may go away (K-084); then its store throws `pool_lost`.
 * Throws `pool_unreachable`, `pool_unknown`, `pool_other`, `pool_format_newer`, `object_damaged`, `passphrase_…`.
 */
export async function openPool(access: PoolAccess, patience?: Patience): Promise<Pool> {
  const ground = openGround(access);
  try {
    const { keys } = await prove(access, ground);
    const store = withRetries(ground, retriesWith(patience));
    const lock = keys === undefined ? {} : { key: keys.key, olderKeys: keys.olderKeys };
    return { id: access.poolId, name: access.name, store, ...lock, close: () => ground.close() };
  } catch (error) {
    await ground.close();
    throw error;
  }
}

/** Writes `holdfast.json` once. A pool that exists already with the same id and passphrase is fine. */
async function describe(access: PoolAccess, store: ObjectStore, clock: Clock): Promise<void> {
  const { passphrase } = access.secrets;
  const scrypt = passphrase === undefined ? undefined : newScryptParameters();
  const file: PoolFile = {
    format: formatVersions.pool.written,
    poolId: access.poolId,
    createdAt: instantFromMs(clock.nowMs()),
    ...(scrypt === undefined ? {} : { scrypt }),
    ...protectionOf(access),
  };
  const body = formatPoolBody(file);
  const mac =
    passphrase === undefined || scrypt === undefined
      ? ''
      : macHex(await derivePoolKey(passphrase, scrypt), body, poolMacInfo);
  await store.putIfAbsent(poolKey(), Buffer.from(formatPoolFile({ body, sha256: sha256Hex(body), mac })));
  await store.barrier();
}

/**
 * Creates a pool in an empty directory or bucket prefix; encrypted when a passphrase is given. Safe to repeat.
 * `logDirectories` are where instances of this host keep log. Throws `place_in_use`, `pool_not_empty`, `pool_exists`, `pool_unreachable`, `pool_refused`, `passphrase_…`.
 */
export async function createPool(
  access: PoolAccess,
  clock: Clock,
  logDirectories: readonly string[] = [],
): Promise<void> {
  if (access.place.kind === 'local') refuseGround(access.name, access.place.directory, logDirectories);
  const ground = openGround(access);
  try {
    await retrying(poolRetries, () => ground.prepare());
    if (await retrying(poolRetries, () => ground.isEmpty())) await describe(access, withRetries(ground), clock);
    if ((await withRetries(ground).head(poolKey())) === undefined)
      throw fail('pool_not_empty', { place: placeInWords(access) });
    await prove(access, ground).catch((error: unknown) => {
      throw asExisting(access, error);
    });
  } finally {
    await ground.close();
  }
}

/** Where a pool is to be created, another one is no wrong mount: it is there, and can be attached. */
function asExisting(access: PoolAccess, error: unknown): unknown {
  if (!(error instanceof HoldfastError) || error.code !== 'pool_other') return error;
  return fail('pool_exists', { place: placeInWords(access), found: error.params['found'] ?? 'unknown' }, error);
}

function refuseGround(pool: string, place: string, logDirectories: readonly string[]): void {
  const directory = resolve(place);
  try {
    refuseUsedGround(canonicalPath(directory), logDirectories);
  } catch (error) {
    throw error instanceof HoldfastError ? error : localError({ directory, pool }, error);
  }
}
