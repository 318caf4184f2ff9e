import { createHash } from 'node:crypto';
import type { Client } from 'minio';
import { fail } from '#core/errors/fail.ts';
import { isProbe } from '#core/format/object-key.ts';
import type { ObjectKey } from '#core/format/object-key.ts';
import { instantFromMs } from '#core/instant.ts';
import type { RenewedAs } from '#core/ports/object-store.ts';
import { s3Code } from './s3-errors.ts';

const dayMs = 86_400_000;
/** What we put is protected in this mode: nobody can lift it. */
const ours = 'COMPLIANCE';
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
  'x-amz-object-lock-mode': ours,
  'x-amz-object-lock-retain-until-date': wholeSeconds(wallMs() + days * dayMs),
});

/** The service takes no fractions of a second in headers. */
const wholeSeconds = (ms: number): string => instantFromMs(ms).replace(/\.\d+Z$/, 'Z');

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

interface Retention {
  /** COMPLIANCE or GOVERNANCE, as the object has it. */
  readonly mode: string;
  readonly untilMs: number;
}

/** How an object is protected; undefined when it is not, or not any more. */
async function retentionOf({ client, bucket }: LockedBucket, name: string): Promise<Retention | undefined> {
  try {
    const found = await client.getObjectRetention(bucket, name);
    const untilMs = found?.retainUntilDate === undefined ? NaN : Date.parse(found.retainUntilDate);
    return untilMs > wallMs() ? { mode: found?.mode ?? ours, untilMs } : undefined;
  } catch (error) {
    if (['NoSuchKey', 'NotFound', 'NoSuchObjectLockConfiguration'].includes(s3Code(error))) return undefined;
    throw error;
  }
}

/** Gives a request a deadline of its own. */
type Guard = <T>(what: string, ask: () => Promise<T>) => Promise<T>;

/** Questions about the protection of objects that are under way together. */
const askedAtOnce = 16;

/**
 * In a bucket with versions a deletion of a protected object hides it and succeeds: this refuses before. `guard` gives each question a
 * deadline of its own. Throws `pool_refused`, what `guard` throws.
 */
export async function demandUnlocked(locked: LockedBucket, names: readonly string[], guard: Guard): Promise<void> {
  for (let at = 0; at < names.length; at += askedAtOnce) {
    const some = names.slice(at, at + askedAtOnce);
    const ends = await Promise.all(some.map((name) => guard(`asking for ${name}`, () => retentionOf(locked, name))));
    ends.forEach((found, i) => {
      if (found === undefined) return;
      const why = `${some[i] ?? ''} is protected until ${instantFromMs(found.untilMs)}`;
      throw fail('pool_refused', { pool: locked.pool, why });
    });
  }
}

const hourMs = 3_600_000;
/** What others need is renewed for so much longer than what is put now: what needs it is put a little later. */
const spareMs = 2 * dayMs;
/** With so much left of that it is not renewed again: never less than a day is left. */
const enoughMs = dayMs + hourMs;

interface Renewal {
  /** With the prefix of the pool; of `needed` ones the last tells when all were renewed. */
  readonly names: readonly string[];
  readonly days: number;
  readonly as: RenewedAs;
}

/** Renews the protection of objects, each in the mode that it has (core/ports/object-store.ts). Throws what `guard` throws. */
export async function renewLocks(locked: LockedBucket, { names, days, as }: Renewal, guard: Guard): Promise<void> {
  const last = names[names.length - 1];
  if (last === undefined) return;
  const endMs = wallMs() + days * dayMs;
  const renew = (wanted: Retention) => (name: string) =>
    guard(`protecting ${name}`, () => retain(locked, name, wanted));
  if (as === 'own') return forEach(names, renew({ mode: ours, untilMs: endMs + hourMs }));
  const known = await guard(`asking for ${last}`, () => retentionOf(locked, last));
  if (known !== undefined && known.untilMs >= endMs + enoughMs) return;
  const longer = renew({ mode: known?.mode ?? ours, untilMs: endMs + spareMs });
  await forEach(names.slice(0, -1), longer);
  await longer(last);
}

async function forEach(names: readonly string[], ask: (name: string) => Promise<void>): Promise<void> {
  for (let at = 0; at < names.length; at += askedAtOnce) await Promise.all(names.slice(at, at + askedAtOnce).map(ask));
}

/** An object that is protected for longer stays so; one in another mode than the rest keeps its mode. */
async function retain(locked: LockedBucket, name: string, wanted: Retention): Promise<void> {
  try {
    await putRetention(locked, name, wanted);
  } catch (error) {
    const there = await retentionOf(locked, name);
    if (there !== undefined && there.untilMs >= wanted.untilMs) return;
    if (there === undefined || there.mode === wanted.mode) throw error;
    await putRetention(locked, name, { ...wanted, mode: there.mode });
  }
}

/** The client's own call demands a version; the newest is meant. */
async function putRetention(
  { client, bucket, region }: LockedBucket,
  name: string,
  { mode, untilMs }: Retention,
): Promise<void> {
  const until = wholeSeconds(untilMs);
  const body = Buffer.from(
    `<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Mode>${mode}</Mode><RetainUntilDate>${until}</RetainUntilDate></Retention>`,
  );
  const headers = { 'Content-MD5': createHash('md5').update(body).digest('base64') };
  await client.makeRequestAsyncOmit(
    { method: 'PUT', bucketName: bucket, objectName: name, query: 'retention', headers },
    body,
    [200, 204],
    region,
  );
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
