import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';

let platform: Platform;
let pool: string;
let old: string;
let child: string;

const runShape = z.looseObject({ id: z.string(), setId: z.string().nullable(), state: z.string() });
const runsShape = z.array(
  z.looseObject({
    id: z.string(),
    kind: z.string(),
    state: z.string(),
    setId: z.string().nullable(),
    startedBy: z.string(),
  }),
);
const setShape = z.looseObject({
  unusable: z.string().optional(),
  standing: z.looseObject({ isQuarantined: z.boolean() }),
  verifyReport: z.looseObject({ depth: z.string(), damage: z.array(z.looseObject({ object: z.string() })) }).nullable(),
});

const backup = async (type: 'full' | 'differential' | 'log'): Promise<string> =>
  runShape.parse(
    await platform.done([
      ...['backup', '--type', type, '--resource', 'main', '--pool', 'plain', '--archive-retention', 'keep'],
      ...['--archive-directory', platform.instance.archiveDirectory, '--wait'],
    ]),
  ).setId ?? '';
const show = async (set: string): Promise<z.output<typeof setShape>> =>
  setShape.parse(await platform.done(['set', 'show', set]));

beforeAll(async () => {
  platform = await openPlatform();
  await platform.register(platform.instance, 'main');
  await platform.logIn(platform.instance, 'main');
  pool = await platform.localPool('plain');
  const client = await platform.instance.connect();
  await client.query('create table ledger as select g as id, md5(g::text) as word from generate_series(1, 20000) g');
  old = await backup('full');
  await client.query('update ledger set word = $1 where id % 9 = 0', ['changed']);
  await client.end();
  child = await backup('differential');
  await backup('log');
});
afterAll(async () => {
  await platform.close();
});

test('D-002 a scrub reads sets and log back, page by page where asked, and says when each was read', async () => {
  expect(await platform.done(['pool', 'scrub', 'plain', '--depth', 'page', '--wait'])).toMatchObject({
    state: 'succeeded',
    outcome: { result: { sets: 2, batches: 1 } },
  });
  expect((await show(child)).verifyReport).toMatchObject({ depth: 'page', damage: [] });
  const verified = await platform.done(['set', 'verify', child, '--depth', 'page', '--wait']);
  expect(verified).toMatchObject({ outcome: { result: { depth: 'page', damage: [] } } });
});

test('D-002 a flipped bit is found by a scrub: the set is quarantined for good, its chain is out of use, a new full is taken', async () => {
  const [piece] = readdirSync(join(pool, 'sets', old), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.bak'))
    .map((name) => join(pool, 'sets', old, name))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length);
  if (piece === undefined) throw bug('the set has a piece');
  const bytes = readFileSync(piece);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 16;
  writeFileSync(piece, bytes);

  const refusal = await platform.refused(7, ['pool', 'scrub', 'plain', '--budget', '1GiB', '--new-full', '--wait']);
  expect(refusal).toMatchObject({
    code: 'scrub_found_damage',
    params: { count: '1', object: piece.slice(pool.length + 1) },
  });
  expect(await show(old)).toMatchObject({ standing: { isQuarantined: true } });
  expect((await show(child)).unusable).toContain(old);

  // A quick look does not see the bit, and takes nothing back.
  await platform.done(['set', 'verify', old, '--depth', 'quick', '--wait']);
  expect((await show(old)).verifyReport?.damage).toHaveLength(1);

  const newFull = async (): Promise<z.output<typeof runsShape>[number] | undefined> =>
    runsShape.parse(await platform.done(['run', 'ls'])).find(({ startedBy }) => startedBy.startsWith('scrub run_'));
  expect(await waitFor(async () => (await newFull())?.state === 'succeeded', 60_000)).toBe(true);
  const fresh = (await newFull())?.setId ?? '';
  expect(await show(fresh)).not.toHaveProperty('unusable');

  // The next incremental goes around what is damaged, and retention counts the new full alone.
  const next = await backup('differential');
  expect(await platform.done(['set', 'show', next])).toMatchObject({ summary: { base: { setId: fresh } } });
  await platform.done(['retention', 'set', '--resource', 'main', '--pool', 'plain', '--fulls', '1']);
  const plan = z
    .looseObject({
      sets: z.array(z.looseObject({ setId: z.string(), reasons: z.array(z.looseObject({ code: z.string() })) })),
    })
    .parse(await platform.done(['retention', 'plan', '--resource', 'main', '--pool', 'plain']));
  const codes = plan.sets.find(({ setId }) => setId === old)?.reasons.map(({ code }) => code);
  expect(codes).toContain('quarantined');
});
