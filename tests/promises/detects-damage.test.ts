import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import type { Platform } from '#tests/support/platform.ts';
import { contentOf, openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
const pools = new Map<'plain' | 'sealed', { readonly directory: string; readonly set: string }>();
const passphrase = 'correct horse battery staple';
const runShape = z.looseObject({ setId: z.string() });
const planShape = z.looseObject({
  plan: z.looseObject({ segments: z.array(z.looseObject({ object: z.string() })).min(1) }),
});

const backup = (type: 'full' | 'log', pool: string): Promise<unknown> =>
  platform.done([
    ...['backup', '--type', type, '--resource', 'main', '--pool', pool, '--archive-retention', 'keep'],
    ...['--archive-directory', platform.instance.archiveDirectory, '--wait'],
  ]);

beforeAll(async () => {
  platform = await openPlatform();
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  const directory = await platform.localPool('plain');
  const sealed = join(platform.folder, 'pools', 'sealed');
  const create = ['pool', 'create', 'sealed', '--local', sealed, '--host', platform.host, '--encrypted'];
  await platform.done(create, { HOLDFAST_PASSPHRASE: passphrase });
  const client = await platform.instance.connect();
  await client.query('create table ledger as select g as id, md5(g::text) as word from generate_series(1, 20000) g');
  for (const [name, at] of [
    ['plain', directory],
    ['sealed', sealed],
  ] as const) {
    pools.set(name, { directory: at, set: runShape.parse(await backup('full', name)).setId });
  }
  await client.query('insert into ledger values (0, $1)', ['later']);
  await client.end();
  await backup('log', 'plain');
});
afterAll(async () => {
  await platform.close();
});

const place = (name: 'plain' | 'sealed') => {
  const found = pools.get(name);
  if (found === undefined) throw bug(`the pool ${name} was made`);
  return found;
};

/** An object of the pool by the end of its name, the largest first: the first piece that holds data. */
function objectOf(directory: string, pattern: RegExp): string {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => pattern.test(name));
  const [path] = names
    .map((name) => join(directory, name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length);
  if (path === undefined) throw bug(`the pool has an object like ${String(pattern)}`);
  return path;
}

const flipped = (bytes: Buffer): Buffer => {
  const damaged = Buffer.from(bytes);
  const middle = damaged.length >> 1;
  damaged[middle] = (damaged[middle] ?? 0) ^ 0x40;
  return damaged;
};
const truncated = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 1);

interface Harm {
  readonly path: string;
  readonly damage: (bytes: Buffer) => Buffer;
}

/** Damages an object, looks, and brings the good bytes back whatever happened. */
async function damaged<T>({ path, damage }: Harm, look: () => Promise<T>): Promise<T> {
  const good = readFileSync(path);
  writeFileSync(path, damage(good));
  try {
    return await look();
  } finally {
    writeFileSync(path, good);
  }
}

/**
 * Restore and verify both refuse with exit code 7 and name the object; pool and target stay as they were. Once verify has
 * told of it, the plan of a restore refuses with code 3; a verify that passes makes the set good again.
 */
async function refusedByBoth(pool: 'plain' | 'sealed', harm: Harm) {
  const { directory, set } = place(pool);
  const object = harm.path.slice(directory.length + 1);
  const to = join(platform.folder, 'copy-of-damage');
  const restore = ['restore', 'run', '--resource', 'main', '--set', set, '--immediate', '--to', to, '--wait'];
  const verify = ['set', 'verify', set, '--wait'];
  const refusals = await damaged(harm, async () => {
    const before = contentOf(directory);
    const ofRestore = await platform.refused(7, restore);
    const ofVerify = await platform.refused(7, verify);
    const ofPlan = await platform.refused(3, restore);
    expect(ofPlan).toMatchObject({ code: 'restore_set_unusable' });
    expect(ofVerify.message).toContain(object);
    expect(ofRestore.message).toContain(object);
    expect(contentOf(directory)).toEqual(before);
    expect(existsSync(to) ? contentOf(to) : []).toEqual([]);
    return { ofVerify, ofRestore };
  });
  expect(await platform.done(verify)).toMatchObject({ state: 'succeeded' });
  return refusals;
}

test.each(['plain', 'sealed'] as const)(
  'D-002 a truncated piece of a %s pool is found by verify and by restore',
  async (pool) => {
    const path = objectOf(place(pool).directory, /piece-\d+\.bak$/);
    const { ofRestore, ofVerify } = await refusedByBoth(pool, { path, damage: truncated });
    expect(ofVerify).toMatchObject({ code: 'set_damaged', params: { set: place(pool).set } });
    expect(ofRestore).toMatchObject({ code: 'object_short' });
  },
);

test.each(['plain', 'sealed'] as const)(
  'D-002 a flipped byte in a piece of a %s pool is found by verify and by restore',
  async (pool) => {
    const path = objectOf(place(pool).directory, /piece-\d+\.bak$/);
    const { ofRestore, ofVerify } = await refusedByBoth(pool, { path, damage: flipped });
    expect(ofVerify).toMatchObject({ code: 'set_damaged', params: { count: '1' } });
    expect(ofRestore).toMatchObject({ code: 'object_damaged' });
  },
);

test.each(['plain', 'sealed'] as const)(
  'D-001 a flipped byte and a cut in the meta of a %s pool are found by verify and by restore',
  async (pool) => {
    const path = objectOf(place(pool).directory, /meta$/);
    for (const damage of [flipped, truncated]) await refusedByBoth(pool, { path, damage });
  },
);

test('D-002 a piece that is gone is found by the quick check, and a whole set passes again afterwards', async () => {
  const { directory, set } = place('plain');
  const path = objectOf(directory, /piece-\d+\.bak$/);
  renameSync(path, join(platform.folder, 'hidden'));
  const refusal = await platform.refused(7, ['set', 'verify', set, '--depth', 'quick', '--wait']);
  expect(refusal.message).toContain('missing');
  renameSync(join(platform.folder, 'hidden'), path);
  expect(await platform.done(['set', 'verify', set, '--wait'])).toMatchObject({ state: 'succeeded' });
});

test('K-098 damaged log stops a restore before recovery begins, so that it never runs into another branch', async () => {
  const { directory } = place('plain');
  const to = join(platform.folder, 'copy-of-log');
  const target = ['--resource', 'main', '--pool', 'plain', '--latest', '--to', to];
  const { plan } = planShape.parse(await platform.done(['restore', 'plan', ...target]));
  const path = join(directory, plan.segments[plan.segments.length - 1]?.object ?? '');
  for (const damage of [flipped, truncated]) {
    const refusal = await damaged({ path, damage }, () => platform.refused(7, ['restore', 'run', ...target, '--wait']));
    expect(refusal).toMatchObject({ code: 'restore_log_missing', params: { pool: 'plain' } });
    expect(existsSync(to) ? contentOf(to) : []).toEqual([]);
  }
});
