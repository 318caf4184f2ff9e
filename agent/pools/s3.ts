import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import type { Client } from 'minio';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import type { PoolPlace, PoolSecrets } from '#core/pool/pool-access.ts';
import type { ObjectInfo, ObjectStore } from '#core/ports/object-store.ts';
import type { PoolGround } from './pool-ground.ts';
import { isMissing, isTaken, isUnsupported, s3Code, s3Error } from './s3-errors.ts';
import { demandLockable, demandUnlocked, hasObjectLock, isProtected, putLocked, renewLocks } from './s3-lock.ts';
import { collect, itemsOf } from './collect.ts';
import { withDeadline } from './deadline.ts';

/** Larger than any object we put: every put is one request, atomic on the server (no multipart, design §8). */
const onePutBytes = 5 * 1024 * 1024 * 1024;
/** A request that makes no progress this long is given up; the retry decorator tries again. */
const patientMs = 60_000;
/** Bodies that we put get time in addition, for a line of about 2 Mbit/s; those we get may take as long as they move. */
const slowestBytesPerMs = 250;

/** A bucket that holds the objects of a pool. `pool` is the name that errors show. */
export interface S3Ground {
  /** Milliseconds without progress after which a request is given up; a minute unless a test is in a hurry. */
  readonly requestMs?: number;
  readonly place: Extract<PoolPlace, { kind: 's3' }>;
  readonly secrets: NonNullable<PoolSecrets['s3']>;
  readonly pool: string;
}

interface S3Handle {
  readonly client: Client;
  readonly agent: HttpAgent | HttpsAgent;
  readonly bucket: string;
  readonly prefix: string;
  readonly region: string;
  readonly pool: string;
  readonly requestMs: number;
  /** Turned off for good when the server answers that it does not know `If-None-Match`. */
  canCreateIfAbsent: boolean;
  /** Objects are protected for so long. */
  readonly immutableDays: number | undefined;
}

/** Loads the S3 client when the first request needs it: that takes longer than a small backup to a local pool. */
async function openHandle({ place, secrets, pool, requestMs = patientMs }: S3Ground): Promise<S3Handle> {
  const { Client } = await import('minio');
  const agent = place.isTls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const client = new Client({
    endPoint: place.endpoint,
    port: place.port,
    useSSL: place.isTls,
    region: place.region,
    accessKey: secrets.accessKey,
    secretKey: secrets.secretKey,
    pathStyle: true,
    partSize: onePutBytes,
    transportAgent: agent,
    // One place decides about retries: the retry decorator.
    retryOptions: { disableRetry: true },
  });
  return {
    client,
    agent,
    bucket: place.bucket,
    prefix: place.prefix,
    region: place.region,
    pool,
    requestMs,
    canCreateIfAbsent: true,
    immutableDays: place.immutableDays,
  };
}

const nameOf = (s3: S3Handle, key: ObjectKey): string => `${s3.prefix}${parseObjectKey(key)}`;

/**
 * Ends every request of this handle. A request that hangs in a cut line must not come through when the line is back: its
 * repetition may have been done by then, and the bytes it would send may belong to the next object.
 */
const dropConnections = ({ agent }: S3Handle): void => {
  agent.destroy();
};

async function guarded<T>(s3: S3Handle, what: string, step: () => Promise<T>, bytes = 0): Promise<T> {
  const ms = s3.requestMs + bytes / slowestBytesPerMs;
  try {
    return await withDeadline(ms, step(), () => {
      dropConnections(s3);
      return fail('pool_unreachable', {
        pool: s3.pool,
        why: `${what} took more than ${String(Math.round(ms / 1000))} s`,
      });
    });
  } catch (error) {
    throw error instanceof HoldfastError ? error : s3Error(s3.pool, error);
  }
}

async function head(s3: S3Handle, key: ObjectKey): Promise<ObjectInfo | undefined> {
  try {
    const found = await s3.client.statObject(s3.bucket, nameOf(s3, key));
    return { key, sizeBytes: found.size };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function put(s3: S3Handle, key: ObjectKey, body: Uint8Array): Promise<'created' | 'exists'> {
  if (!s3.canCreateIfAbsent && (await head(s3, key)) !== undefined) return 'exists';
  const condition = s3.canCreateIfAbsent ? { 'If-None-Match': '*' } : {};
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  try {
    const headers = { 'Content-Type': 'application/octet-stream', ...condition };
    const name = nameOf(s3, key);
    if (isProtected(key, s3.immutableDays)) await putLocked(s3, { name, body: bytes, days: s3.immutableDays, headers });
    else await s3.client.putObject(s3.bucket, name, bytes, bytes.length, headers);
    return 'created';
  } catch (error) {
    if (isTaken(error)) return 'exists';
    if (!s3.canCreateIfAbsent || !isUnsupported(error)) throw error;
    s3.canCreateIfAbsent = false;
    return put(s3, key, body);
  }
}

const short = (s3: S3Handle, key: ObjectKey, found: number, expected: number): HoldfastError =>
  fail('object_short', { pool: s3.pool, object: key, found: String(found), expected: String(expected) });

/** Asks for a body within the time of a request and takes it in while it moves. */
async function body(s3: S3Handle, key: ObjectKey, asking: () => Promise<Readable>): Promise<Uint8Array> {
  const { requestMs } = s3;
  const late = (what: string): HoldfastError => {
    dropConnections(s3);
    return fail('pool_unreachable', { pool: s3.pool, why: `getting ${key} ${what} ${String(requestMs / 1000)} s` });
  };
  const stream = await withDeadline(requestMs, asking(), () => late('took more than'));
  return collect(stream, requestMs, () => late('brought nothing for'));
}

const getWhole = (s3: S3Handle, key: ObjectKey): Promise<Uint8Array> =>
  body(s3, key, () => s3.client.getObject(s3.bucket, nameOf(s3, key)));

async function getRange(
  s3: S3Handle,
  key: ObjectKey,
  range: { readonly from: number; readonly length: number },
): Promise<Uint8Array> {
  if (range.length === 0) return new Uint8Array(0);
  try {
    const ask = () => s3.client.getPartialObject(s3.bucket, nameOf(s3, key), range.from, range.length);
    const bytes = await body(s3, key, ask);
    if (bytes.length < range.length) throw short(s3, key, range.from + bytes.length, range.from + range.length);
    return bytes;
  } catch (error) {
    if (s3Code(error) !== 'InvalidRange') throw error;
    const found = await guarded(s3, `asking for ${key}`, () => head(s3, key));
    throw short(s3, key, found?.sizeBytes ?? 0, range.from + range.length);
  }
}

async function get(
  s3: S3Handle,
  key: ObjectKey,
  range?: { readonly from: number; readonly length: number },
): Promise<Uint8Array> {
  try {
    return range === undefined ? await getWhole(s3, key) : await getRange(s3, key, range);
  } catch (error) {
    if (isMissing(error)) throw fail('object_missing', { pool: s3.pool, object: key }, error);
    throw error instanceof HoldfastError ? error : s3Error(s3.pool, error);
  }
}

const isListed = (item: unknown): item is { readonly name: string; readonly size: number } =>
  typeof item === 'object' &&
  item !== null &&
  'name' in item &&
  typeof item.name === 'string' &&
  'size' in item &&
  typeof item.size === 'number';

async function* list(opening: Promise<S3Handle>, prefix: string): AsyncIterable<ObjectInfo> {
  const s3 = await opening;
  const stream = s3.client.listObjectsV2(s3.bucket, `${s3.prefix}${prefix}`, true);
  const stalled = (): HoldfastError => {
    dropConnections(s3);
    return fail('pool_unreachable', { pool: s3.pool, why: `listing took more than ${String(s3.requestMs / 1000)} s` });
  };
  try {
    for await (const item of itemsOf(stream, s3.requestMs, stalled)) {
      if (isListed(item)) yield { key: parseObjectKey(item.name.slice(s3.prefix.length)), sizeBytes: item.size };
    }
  } catch (error) {
    throw error instanceof HoldfastError ? error : s3Error(s3.pool, error);
  }
}

async function remove(s3: S3Handle, keys: readonly ObjectKey[]): Promise<void> {
  for (let at = 0; at < keys.length; at += 1000) {
    const names = keys.slice(at, at + 1000).map((key) => nameOf(s3, key));
    if (s3.immutableDays !== undefined)
      await demandUnlocked(s3, names, (what, question) => guarded(s3, what, question));
    const answered = await guarded(s3, 'removing objects', () => s3.client.removeObjects(s3.bucket, names));
    demandRemoved(s3, answered);
  }
}

/** The answer is a success although single objects were refused: by object lock, a policy of the bucket, a missing right. */
function demandRemoved(s3: S3Handle, answered: readonly unknown[]): void {
  const isRefusal = (one: unknown): one is object => typeof one === 'object' && one !== null && 'Code' in one;
  const textOf = (one: object, name: string): string => {
    const value: unknown = Reflect.get(one, name);
    return typeof value === 'string' ? value : '';
  };
  const [first] = answered.filter(isRefusal).filter((one) => textOf(one, 'Code') !== 'NoSuchKey');
  if (first === undefined) return;
  const why = `${textOf(first, 'Key')}: ${textOf(first, 'Code')}: ${textOf(first, 'Message')}`;
  throw fail('pool_refused', { pool: s3.pool, why });
}

async function isEmpty(s3: S3Handle): Promise<boolean> {
  const stream: AsyncIterable<unknown> = s3.client.listObjectsV2(s3.bucket, s3.prefix, true);
  for await (const item of stream) if (isListed(item)) return false;
  return true;
}

/** A service that does not know object lock or versions, or does not let us ask, says nothing. */
async function keepsDeleted({ client, bucket }: S3Handle): Promise<string | undefined> {
  const versions = await client.getBucketVersioning(bucket).catch(() => undefined);
  const isOn = (answer: unknown): boolean => JSON.stringify(answer ?? {}).includes('Enabled');
  if (await hasObjectLock({ client, bucket }))
    return `bucket ${bucket} has object lock: old versions stay until their protection ends`;
  return isOn(versions) ? `bucket ${bucket} keeps old versions: a lifecycle rule has to expire them` : undefined;
}

/** Only where the pool protects its objects. Each object has a deadline of its own. */
function renewalOf({ place }: S3Ground, handle: () => Promise<S3Handle>): Pick<ObjectStore, 'renewProtection'> {
  const { immutableDays: days } = place;
  if (days === undefined) return {};
  return {
    renewProtection: async (keys, as) => {
      const s3 = await handle();
      const names = keys.map((key) => nameOf(s3, key));
      await renewLocks(s3, { names, days, as }, (what, step) => guarded(s3, what, step));
    },
  };
}

/** Adapter of the object port on S3 (`minio` client): one request per object, durable when the server says so. */
export function openS3Store(ground: S3Ground): ObjectStore & PoolGround {
  let opening: Promise<S3Handle> | undefined;
  const handle = (): Promise<S3Handle> => (opening ??= openHandle(ground));
  const ask = async <T>(what: string, step: (s3: S3Handle) => Promise<T>, bytes = 0): Promise<T> => {
    const s3 = await handle();
    return guarded(s3, what, () => step(s3), bytes);
  };
  return {
    putIfAbsent: (key, body) => ask(`putting ${key}`, (s3) => put(s3, key, body), body.length),
    get: async (key, range) => get(await handle(), key, range),
    head: (key) => ask(`asking for ${key}`, (s3) => head(s3, key)),
    list: (prefix) => list(handle(), prefix),
    remove: async (keys) => remove(await handle(), keys),
    ...renewalOf(ground, handle),
    // A put that was answered is durable: the server synced it before it answered.
    barrier: () => Promise.resolve(),
    secure: () => Promise.resolve(),
    freeBytes: () => Promise.resolve(undefined),
    close: async () => {
      if (opening !== undefined) (await opening).agent.destroy();
    },
    prepare: () =>
      ask('making the bucket', async (s3) => {
        if (s3.immutableDays !== undefined) return demandLockable(s3);
        if (!(await s3.client.bucketExists(s3.bucket))) await s3.client.makeBucket(s3.bucket, s3.region);
      }),
    isThere: () => ask('asking for the bucket', (s3) => s3.client.bucketExists(s3.bucket)),
    isEmpty: () => ask('listing the bucket', (s3) => isEmpty(s3)),
    collectTemporaries: () => Promise.resolve({ objects: 0, bytes: 0 }),
    keepsDeleted: () => ask('asking for the protection of the bucket', keepsDeleted),
  };
}
