import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Client } from 'minio';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import type { PoolPlace, PoolSecrets } from '#core/pool/pool-access.ts';
import type { ObjectInfo, ObjectStore } from '#core/ports/object-store.ts';
import type { PoolGround } from './pool-ground.ts';
import { isMissing, isTaken, isUnsupported, s3Code, s3Error } from './s3-errors.ts';
import { withDeadline } from './deadline.ts';

/** Larger than any object we put: every put is one request, atomic on the server (no multipart, design §8). */
const onePutBytes = 5 * 1024 * 1024 * 1024;
/** A request that makes no progress this long is given up; the retry decorator tries again. */
const requestMs = 60_000;
/** Bodies get time in addition, for a line of about 2 Mbit/s. */
const slowestBytesPerMs = 250;

/** A bucket that holds the objects of a pool. `pool` is the name that errors show. */
export interface S3Ground {
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
  /** Turned off for good when the server answers that it does not know `If-None-Match`. */
  canCreateIfAbsent: boolean;
}

function openHandle({ place, secrets, pool }: S3Ground): S3Handle {
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
    canCreateIfAbsent: true,
  };
}

const nameOf = (s3: S3Handle, key: ObjectKey): string => `${s3.prefix}${parseObjectKey(key)}`;

async function guarded<T>(s3: S3Handle, what: string, step: () => Promise<T>, bytes = 0): Promise<T> {
  const ms = requestMs + bytes / slowestBytesPerMs;
  try {
    return await withDeadline(ms, step(), () =>
      fail('pool_unreachable', { pool: s3.pool, why: `${what} took more than ${String(Math.round(ms / 1000))} s` }),
    );
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
    await s3.client.putObject(s3.bucket, nameOf(s3, key), bytes, bytes.length, {
      'Content-Type': 'application/octet-stream',
      ...condition,
    });
    return 'created';
  } catch (error) {
    if (isTaken(error)) return 'exists';
    if (!s3.canCreateIfAbsent || !isUnsupported(error)) throw error;
    s3.canCreateIfAbsent = false;
    return put(s3, key, body);
  }
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) if (Buffer.isBuffer(part)) parts.push(part);
  return Buffer.concat(parts);
}

const short = (s3: S3Handle, key: ObjectKey, found: number, expected: number): HoldfastError =>
  fail('object_short', { pool: s3.pool, object: key, found: String(found), expected: String(expected) });

async function getWhole(s3: S3Handle, key: ObjectKey): Promise<Uint8Array> {
  return collect(await s3.client.getObject(s3.bucket, nameOf(s3, key)));
}

async function getRange(
  s3: S3Handle,
  key: ObjectKey,
  range: { readonly from: number; readonly length: number },
): Promise<Uint8Array> {
  if (range.length === 0) return new Uint8Array(0);
  try {
    const body = await collect(await s3.client.getPartialObject(s3.bucket, nameOf(s3, key), range.from, range.length));
    if (body.length < range.length) throw short(s3, key, range.from + body.length, range.from + range.length);
    return body;
  } catch (error) {
    if (s3Code(error) !== 'InvalidRange') throw error;
    throw short(s3, key, (await head(s3, key))?.sizeBytes ?? 0, range.from + range.length);
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
    throw error;
  }
}

const isListed = (item: unknown): item is { readonly name: string; readonly size: number } =>
  typeof item === 'object' &&
  item !== null &&
  'name' in item &&
  typeof item.name === 'string' &&
  'size' in item &&
  typeof item.size === 'number';

async function* list(s3: S3Handle, prefix: string): AsyncIterable<ObjectInfo> {
  const stream: AsyncIterable<unknown> = s3.client.listObjectsV2(s3.bucket, `${s3.prefix}${prefix}`, true);
  try {
    for await (const item of stream) {
      if (isListed(item)) yield { key: parseObjectKey(item.name.slice(s3.prefix.length)), sizeBytes: item.size };
    }
  } catch (error) {
    throw error instanceof HoldfastError ? error : s3Error(s3.pool, error);
  }
}

async function remove(s3: S3Handle, keys: readonly ObjectKey[]): Promise<void> {
  for (let at = 0; at < keys.length; at += 1000) {
    const names = keys.slice(at, at + 1000).map((key) => nameOf(s3, key));
    await s3.client.removeObjects(s3.bucket, names);
  }
}

async function isEmpty(s3: S3Handle): Promise<boolean> {
  const stream: AsyncIterable<unknown> = s3.client.listObjectsV2(s3.bucket, s3.prefix, true);
  for await (const item of stream) if (isListed(item)) return false;
  return true;
}

/** Adapter of the object port on S3 (`minio` client): one request per object, durable when the server says so. */
export function openS3Store(ground: S3Ground): ObjectStore & PoolGround {
  const s3 = openHandle(ground);
  return {
    putIfAbsent: (key, body) => guarded(s3, `putting ${key}`, () => put(s3, key, body), body.length),
    get: (key, range) => guarded(s3, `getting ${key}`, () => get(s3, key, range), range?.length ?? onePutBytes),
    head: (key) => guarded(s3, `asking for ${key}`, () => head(s3, key)),
    list: (prefix) => list(s3, prefix),
    remove: (keys) => guarded(s3, 'removing objects', () => remove(s3, keys)),
    // A put that was answered is durable: the server synced it before it answered.
    barrier: () => Promise.resolve(),
    freeBytes: () => Promise.resolve(undefined),
    close: () => {
      s3.agent.destroy();
      return Promise.resolve();
    },
    prepare: () =>
      guarded(s3, 'making the bucket', async () => {
        if (!(await s3.client.bucketExists(s3.bucket))) await s3.client.makeBucket(s3.bucket, s3.region);
      }),
    isThere: () => guarded(s3, 'asking for the bucket', () => s3.client.bucketExists(s3.bucket)),
    isEmpty: () => guarded(s3, 'listing the bucket', () => isEmpty(s3)),
  };
}
