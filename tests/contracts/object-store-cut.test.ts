import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withRetries } from '#agent/pools/retry.ts';
import { openS3Store } from '#agent/pools/s3.ts';
import { pieceKey } from '#core/format/object-key.ts';
import type { ObjectStore } from '#core/ports/object-store.ts';
import { formatId } from '#core/id.ts';
import type { Line } from '../support/line.ts';
import { openLine } from '../support/line.ts';
import type { Minio } from '../support/minio.ts';
import { openMinio } from '../support/minio.ts';

let minio: Minio;
let line: Line;
beforeAll(async () => {
  minio = await openMinio();
  line = await openLine(minio.port);
  const store = storeAt(minio.port);
  await store.prepare();
  await store.close();
});
afterAll(async () => {
  await line.close();
  await minio.close();
});

/** A request of these stores is given up soon: the product waits a minute. */
const storeAt = (port: number) => {
  const bucket = { isTls: false, region: 'us-east-1', bucket: 'cut', prefix: '' };
  const place = { kind: 's3', endpoint: minio.endPoint, port, ...bucket } as const;
  return openS3Store({ place, secrets: minio, pool: 'cut pool', requestMs: 700 });
};
const patient = (store: ObjectStore): ObjectStore =>
  withRetries(store, {
    ...{ attempts: 2, firstWaitMs: 50, longestWaitMs: 100 },
    patience: { ms: 60_000, shouldStop: () => false },
  });
const newKey = () => {
  const id = <P extends 'set' | 'try'>(prefix: P) => formatId(prefix, Date.now(), randomBytes(10));
  return pieceKey(id('set'), id('try'), 1);
};

test('K-084 a put that hangs in a line gone silent is repeated when the line is back, and the object is whole', async () => {
  const [through, direct] = [storeAt(line.port), storeAt(minio.port)];
  const [key, body] = [newKey(), randomBytes(3_000_000)];
  await line.cut('silent');
  let isDone = false;
  const put = patient(through)
    .putIfAbsent(key, body)
    .finally(() => {
      isDone = true;
    });
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(isDone).toBe(false);
  expect(await direct.head(key)).toBeUndefined();
  await line.mend();
  expect(await put).toBe('created');
  expect(body.equals(await direct.get(key))).toBe(true);
  await through.close();
  await direct.close();
});

test('K-084 a request that was given up during a silence never arrives after it', async () => {
  const [through, direct] = [storeAt(line.port), storeAt(minio.port)];
  const [kept, given] = [newKey(), newKey()];
  expect(await through.putIfAbsent(kept, randomBytes(1000))).toBe('created');
  await line.cut('silent');
  await expect(through.putIfAbsent(given, randomBytes(200_000))).rejects.toMatchObject({ code: 'pool_unreachable' });
  await line.mend();
  // Whatever was on its way comes before what is asked now on the same line.
  expect(await through.head(kept)).toMatchObject({ sizeBytes: 1000 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await direct.head(given)).toBeUndefined();
  await through.close();
  await direct.close();
});

test('K-084 a get that stops in the middle of its body is given up and asked again', async () => {
  const [through, direct] = [storeAt(line.port), storeAt(minio.port)];
  const [key, body] = [newKey(), randomBytes(8_000_000)];
  await direct.putIfAbsent(key, body);
  await line.cut('silent');
  const got = patient(through).get(key);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await line.mend();
  expect(body.equals(await got)).toBe(true);
  await through.close();
  await direct.close();
});

test('K-084 a listing that hangs in a line gone silent is repeated when the line is back, and tells every object once', async () => {
  const [through, direct] = [storeAt(line.port), storeAt(minio.port)];
  const keys = Array.from({ length: 3 }, newKey).sort();
  for (const key of keys) await direct.putIfAbsent(key, randomBytes(10));
  await line.cut('silent');
  const told: string[] = [];
  let isDone = false;
  const listing = (async () => {
    for await (const { key } of patient(through).list('sets/')) told.push(key);
    isDone = true;
  })();
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(isDone).toBe(false);
  await line.mend();
  await listing;
  expect(told.filter((key) => keys.some((one) => one === key))).toEqual(keys);
  await line.cut('silent');
  await expect(through.list('sets/')[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'pool_unreachable',
  });
  await line.mend();
  await through.close();
  await direct.close();
});
