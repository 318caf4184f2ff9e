import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ObjectKey } from '#core/format/object-key.ts';
import { parseObjectKey } from '#core/format/object-key.ts';
import { formatId } from '#core/id.ts';
import type { PoolAccess } from '#core/pool/pool-access.ts';
import { createTokenBucket } from '#core/pool/token-bucket.ts';
import { createPool, openPool } from '#agent/pools/open-pool.ts';
import { openGround, openStore } from '#agent/pools/open-store.ts';
import { openLocalStore } from '#agent/pools/local.ts';
import { withRateLimit } from '#agent/pools/rate-limit.ts';
import type { Minio } from '#tests/support/minio.ts';
import { openMinio } from '#tests/support/minio.ts';
import { openFolder } from '#tests/support/folder.ts';

const clock = { nowMs: () => 1_790_000_000_000 };
const poolId = (n: number) => formatId('pool', n, new Uint8Array(10));
const key = (text: string): ObjectKey => parseObjectKey(text);
const local = (directory: string, secrets: PoolAccess['secrets'] = {}): PoolAccess => ({
  poolId: poolId(1),
  name: 'here',
  place: { kind: 'local', directory },
  secrets,
});

describe('a local pool', () => {
  const folder = openFolder('hf-faults-');
  const at = (name: string): string => `${folder.path}/${name}`;
  afterAll(() => {
    folder.remove();
  });

  test('is created once, with access for its owner only, and repeating that is fine', async () => {
    await createPool(local(at('once')), clock);
    await createPool(local(at('once')), clock);
    const { store, key: poolKey } = await openPool(local(at('once')));
    await store.putIfAbsent(key('a/b'), Buffer.from('x'));
    expect(poolKey).toBeUndefined();
    expect([at('once'), at('once/a')].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
    expect([at('once/a/b'), at('once/holdfast.json')].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o600, 0o600,
    ]);
    expect(readdirSync(at('once/a'))).toEqual(['b']);
  });

  test('a directory with files of others never becomes a pool and keeps them', async () => {
    mkdirSync(at('other'));
    writeFileSync(at('other/theirs'), 'theirs');
    await expect(createPool(local(at('other')), clock)).rejects.toMatchObject({ code: 'pool_not_empty' });
    expect(readdirSync(at('other'))).toEqual(['theirs']);
  });

  test('a directory that is no pool is pool_unknown, one that is not there pool_unreachable', async () => {
    mkdirSync(at('bare'));
    await expect(openPool(local(at('bare')))).rejects.toMatchObject({ code: 'pool_unknown' });
    await expect(openPool(local(at('nowhere')))).rejects.toMatchObject({ code: 'pool_unreachable' });
  });

  test('the pool of another id is pool_other, and no pool is created there: the refusal says how to attach it', async () => {
    await createPool(local(at('mine')), clock);
    const stranger = { ...local(at('mine')), poolId: poolId(2) };
    await expect(openPool(stranger)).rejects.toMatchObject({ code: 'pool_other', params: { found: poolId(1) } });
    const refused = expect(createPool(stranger, clock)).rejects;
    await refused.toMatchObject({
      code: 'pool_exists',
      hint: expect.stringContaining(`--attach ${poolId(1)}`) as string,
    });
  });

  test('a wrong, a missing and a needless passphrase are told apart', async () => {
    await createPool(local(at('secret'), { passphrase: 'right' }), clock);
    expect((await openPool(local(at('secret'), { passphrase: 'right' }))).key).toHaveLength(32);
    await expect(openPool(local(at('secret'), { passphrase: 'wrong' }))).rejects.toMatchObject({
      code: 'passphrase_wrong',
    });
    await expect(openPool(local(at('secret')))).rejects.toMatchObject({ code: 'passphrase_missing' });
    await expect(openPool(local(at('once'), { passphrase: 'right' }))).rejects.toMatchObject({
      code: 'passphrase_unused',
    });
  });

  test('an unmounted pool is not written into: what lies below its mount point stays empty', async () => {
    await createPool(local(at('mount')), clock);
    const store = openGround(local(at('mount')));
    rmSync(at('mount/holdfast.json'));
    await expect(store.putIfAbsent(key('sets/a'), Buffer.from('x'))).rejects.toMatchObject({
      code: 'pool_unreachable',
    });
    expect(readdirSync(at('mount'))).toEqual([]);
  });

  test('a full file system is pool_full and leaves no part of an object', async (context) => {
    mkdirSync(at('small'));
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at('small')]);
    context.skip(mount.status !== 0, 'only root may mount a small file system');
    try {
      await createPool(local(at('small/pool')), clock);
      const store = openStore(local(at('small/pool')));
      await expect(store.putIfAbsent(key('large'), Buffer.alloc(2_000_000, 1))).rejects.toMatchObject({
        code: 'pool_full',
        class: 'exhausted',
      });
      expect(readdirSync(at('small/pool'))).toEqual(['holdfast.json']);
    } finally {
      spawnSync('umount', [at('small')]);
    }
  });

  test('a worker thread puts synchronously what others then read', async () => {
    await createPool(local(at('sync')), clock);
    const writer = openLocalStore({ directory: at('sync'), pool: 'here' });
    expect(writer.putSync(key('p/1'), Buffer.from('one'))).toBe('created');
    expect(writer.putSync(key('p/1'), Buffer.from('two'))).toBe('exists');
    expect(Buffer.from(await openStore(local(at('sync'))).get(key('p/1'))).toString()).toBe('one');
  });

  test('a barrier refuses an object that another process should have put', async () => {
    await createPool(local(at('barrier')), clock);
    await expect(openStore(local(at('barrier'))).barrier([key('gone')])).rejects.toMatchObject({
      code: 'object_missing',
    });
  });

  test('an object put again during a barrier is durable after the next one, wherever its bytes went', async () => {
    await createPool(local(at('twice')), clock);
    const store = openLocalStore({ directory: at('twice'), pool: 'here' });
    store.putSync(key('p/1'), Buffer.from('one'));
    const running = store.barrier();
    rmSync(at('twice/p/1'));
    store.putSync(key('p/1'), Buffer.from('two'));
    store.putSync(key('p/2'), Buffer.from('new'));
    await running.catch(() => undefined);
    // What a barrier still has to sync shows when it is gone: then the barrier cannot succeed.
    rmSync(at('twice/p/1'));
    await expect(store.barrier()).rejects.toMatchObject({ code: 'pool_unreachable' });
    await store.remove([key('p/1')]);
    store.putSync(key('p/1'), Buffer.from('three'));
    await store.barrier();
    // What went with the failed barrier was taken away.
    expect(readdirSync(at('twice/p')).sort()).toEqual(['1']);
  });

  test('a key that would leave the pool is refused', () => {
    for (const text of ['../x', '/x', 'a//b', 'a/./b', '']) expect(() => key(text)).toThrow(/not a valid object key/);
    expect(existsSync(`${folder.path}/x`)).toBe(false);
  });

  test('K-085 bodies wait for room under the transfer limit, and a changed limit is felt', async () => {
    await createPool(local(at('slow')), clock);
    const limit = { bytesPerSecond: 1000 };
    let nowMs = 0;
    const bucket = createTokenBucket(() => limit.bytesPerSecond, { nowMs: () => nowMs });
    const store = withRateLimit(openStore(local(at('slow'))), bucket);
    let isDone = false;
    const put = store.putIfAbsent(key('slow'), Buffer.alloc(1_000_000)).then(() => (isDone = true));
    nowMs = 10_000;
    await new Promise((resolve) => setImmediate(resolve));
    expect(isDone).toBe(false);
    limit.bytesPerSecond = 1_000_000_000;
    nowMs = 20_000;
    await put;
    expect(isDone).toBe(true);
  });
});

describe('an S3 pool', () => {
  let minio: Minio;
  const s3 = (
    extra: { readonly secretKey?: string; readonly port?: number; readonly bucket?: string } = {},
  ): PoolAccess => ({
    poolId: poolId(3),
    name: 'cloud',
    place: {
      kind: 's3',
      endpoint: '127.0.0.1',
      port: extra.port ?? minio.port,
      isTls: false,
      region: 'us-east-1',
      bucket: extra.bucket ?? 'faults',
      prefix: 'a/',
    },
    secrets: { s3: { accessKey: minio.accessKey, secretKey: extra.secretKey ?? minio.secretKey } },
  });
  beforeAll(async () => {
    minio = await openMinio();
    await createPool(s3(), clock);
  });
  afterAll(() => minio.close());

  test('a wrong secret is pool_refused and never in the text', async () => {
    const refused = openPool(s3({ secretKey: 'not-the-secret' }));
    await expect(refused).rejects.toMatchObject({ code: 'pool_refused' });
    await expect(refused).rejects.not.toThrow(/not-the-secret/);
  });

  test('a bucket that is not there is pool_unreachable and an empty one pool_unknown', async () => {
    await expect(openPool(s3({ bucket: 'never-made' }))).rejects.toMatchObject({ code: 'pool_unreachable' });
    const empty = openGround(s3({ bucket: 'empty' }));
    await empty.prepare();
    await expect(openPool(s3({ bucket: 'empty' }))).rejects.toMatchObject({ code: 'pool_unknown' });
  });

  test('a server that does not answer is pool_unreachable', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    await new Promise((resolve) => server.close(resolve));
    await expect(openGround(s3({ port })).head(key('x'))).rejects.toMatchObject({
      code: 'pool_unreachable',
      class: 'unavailable',
    });
  });

  test('a restart of the server during a put is bridged, and the object is there once', async () => {
    const store = openStore(s3());
    await minio.kill();
    const put = store.putIfAbsent(key('bridged'), Buffer.from('whole'));
    await minio.start();
    expect(await put).toBe('created');
    expect(Buffer.from(await store.get(key('bridged'))).toString()).toBe('whole');
    await store.close();
  });
});
