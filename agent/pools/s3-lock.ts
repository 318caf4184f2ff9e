import { createHash } from 'node:crypto';
import type { Client } from 'minio';
import { fail } from '#core/errors/fail.ts';
import { isProbe } from '#core/format/object-key.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import type { Instant } from '#core/instant.ts';
import { s3Code } from './s3-errors.ts';

const dayMs = 86_400_000;
/** Wall time of this process: worker threads open pools too and get no clock. Protection is counted in days. */
const wallMs = (): number => performance.timeOrigin + performance.now();

/** A bucket in which objects are put with a protection of so many days (S3 Object Lock, mode COMPLIANCE). */
export interface LockedBucket {
  readonly client: Client;
  readonly bucket: string;
  readonly region: string;
  /** Name of the pool, for errors. */
  readonly pool: string;
}

/** A probe is put to be removed; everything else of an immutable pool is protected. */
export const isProtected = (key: ObjectKey, days: number | undefined): days is number =>
  days !== undefined && !isProbe(key);

/** Headers that protect an object from this moment on: nobody, whatever his rights, deletes or shortens it before. */
const lockHeaders = (days: number): Record<string, string> => ({
  'x-amz-object-lock-mode': 'COMPLIANCE',
  'x-amz-object-lock-retain-until-date': instantFromMs(wallMs() + days * dayMs).replace(/\.\d+Z$/, 'Z'),
});

interface LockedObject {
  /** With the prefix of the pool. */
  readonly name: string;
  readonly body: Buffer;
  readonly days: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Puts an object that is protected from its first moment on. The client's own put does not know these headers. */
export async function putLocked(
  { client, bucket, region }: LockedBucket,
  { name, body, days, headers }: LockedObject,
): Promise<void> {
  const sent = { ...headers, ...lockHeaders(days), 'Content-MD5': createHash('md5').update(body).digest('base64') };
  await client.makeRequestAsyncOmit(
    { method: 'PUT', bucketName: bucket, objectName: name, headers: sent },
    body,
    [200],
    region,
  );
}

/** Until when an object is protected; undefined when it is not, or not any more. */
async function lockedUntil({ client, bucket }: LockedBucket, name: string): Promise<Instant | undefined> {
  try {
    const found = await client.getObjectRetention(bucket, name);
    const until = found?.retainUntilDate === undefined ? NaN : Date.parse(found.retainUntilDate);
    return until > wallMs() ? instantFromMs(until) : undefined;
  } catch (error) {
    if (['NoSuchKey', 'NotFound', 'NoSuchObjectLockConfiguration'].includes(s3Code(error))) return undefined;
    throw error;
  }
}

/** Questions about the protection of objects that are under way together. */
const askedAtOnce = 16;

/**
 * In a bucket with versions a deletion of a protected object hides it and succeeds: this refuses before. `guard` gives each question a
 * deadline of its own. Throws `pool_refused`, what `guard` throws.
 */
export async function demandUnlocked(
  locked: LockedBucket,
  names: readonly string[],
  guard: (what: string, ask: () => Promise<Instant | undefined>) => Promise<Instant | undefined>,
): Promise<void> {
  for (let at = 0; at < names.length; at += askedAtOnce) {
    const some = names.slice(at, at + askedAtOnce);
    const ends = await Promise.all(some.map((name) => guard(`asking for ${name}`, () => lockedUntil(locked, name))));
    ends.forEach((until, i) => {
      const why = `${some[i] ?? ''} is protected until ${until ?? ''}`;
      if (until !== undefined) throw fail('pool_refused', { pool: locked.pool, why });
    });
  }
}

/** A service that does not know object lock, or does not let us ask, has none. */
export const hasObjectLock = async ({ client, bucket }: Pick<LockedBucket, 'client' | 'bucket'>): Promise<boolean> => {
  const config = await new Promise<unknown>((resolve) => {
    client.getObjectLockConfig(bucket, (error, found) => {
      resolve(error === null ? found : undefined);
    });
  });
  return JSON.stringify(config ?? {}).includes('Enabled');
};

/** Makes a bucket with object lock, or finds that the one that is there has it. Throws `pool_not_lockable`. */
export async function demandLockable({ client, bucket, region, pool }: LockedBucket): Promise<void> {
  if (!(await client.bucketExists(bucket))) {
    await client.makeBucket(bucket, region, { ObjectLocking: true });
    return;
  }
  if (!(await hasObjectLock({ client, bucket }))) throw fail('pool_not_lockable', { pool, bucket });
}
