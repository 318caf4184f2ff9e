import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineProfile } from '#core/engine/profiles.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { setMetaKey, setStartKey } from '#core/format/object-key.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { RestoreWays } from '#core/restore/plan/ways.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { prepareTarget } from '#agent/datadir/writer.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import type { RestoredSet } from '#agent/restore/restore-set.ts';
import { restoreSet } from '#agent/restore/restore-set.ts';
import { openReadableChain } from '#agent/restore/write/open-readable-chain.ts';
import type { SetChain } from '#agent/sets/open-chain.ts';
import { memoryBase, openFolder } from '#tests/support/folder.ts';
import { localAccess, quietStep } from './pools.ts';
import { lastFiles, lastIds, middleFiles, middleIds } from './tiny-chain.ts';
import { tinyIds } from './tiny-set.ts';

const golden = (is: string): string => fileURLToPath(new URL(`v2/${is}`, import.meta.url));
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const { files } = engineProfile('postgresql');
const [full, middle, last] = [tinyIds.setId, middleIds.setId, lastIds.setId];
const consent: RestoreWays = { damageConsent: 'orders' };
const asFiles: RestoreWays = { ...consent, endsAs: 'files' };

type Harm = (pool: string) => void;
const gone =
  (key: string): Harm =>
  (pool) => {
    rmSync(`${pool}/${key}`);
  };
const cut =
  (key: string): Harm =>
  (pool) => {
    truncateSync(`${pool}/${key}`, 60);
  };
const flipped =
  (key: string): Harm =>
  (pool) => {
    const bytes = readFileSync(`${pool}/${key}`);
    bytes.writeUInt8(bytes.readUInt8(80) ^ 0x20, 80);
    writeFileSync(`${pool}/${key}`, bytes);
  };

const tinyLsn = parseLsn('0/400158');
const sampleChain = [full, middle, last].map((setId) => ({ setId, type: 'full' as const, storedBytes: 1 }));
const planOf = (ways: RestoreWays | undefined): RestorePlan => ({
  ...{ setId: last, systemId: '1', serverMajor: 18, engine: 'postgresql', segmentBytes: 16_777_216 },
  ...{ asked: { at: 'immediate' }, setting: { at: 'immediate' }, timeline: 1, segments: [], histories: {} },
  ...{ mustReach: tinyLsn, place: { kind: 'copy', directory: '/nowhere' }, tablespaceMap: {}, isOpenedAfter: true },
  ...{ rawBytes: 1, chain: sampleChain, fetchBytes: 1, steps: [] },
  ...(ways === undefined ? {} : { ways }),
});

describe.each([
  { is: 'plain', isEncrypted: false },
  { is: 'encrypted', isEncrypted: true },
])('a restore of the chain v2/$is of which a part is lost', ({ is, isEncrypted }) => {
  const folder = openFolder('hf-damaged-restore-', memoryBase);
  const directory = `${folder.path}/pool`;
  const access = localAccess(directory, isEncrypted);
  let pool: Pool;
  let count = 0;
  beforeAll(async () => {
    cpSync(golden(is), directory, { recursive: true });
    pool = await openPool(access);
  });
  afterAll(async () => {
    await pool.close();
    folder.remove();
  });

  /** What a step on the harmed pool throws, as code and parameters; the pool is whole again afterwards. */
  async function withHarm<T>(harm: Harm, step: () => Promise<T>): Promise<T | Readonly<Record<string, string>>> {
    harm(directory);
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      return { code: error.code, ...error.params };
    } finally {
      cpSync(golden(is), directory, { recursive: true });
    }
  }
  const isRestored = (found: RestoredSet | Readonly<Record<string, string>>): found is RestoredSet =>
    typeof found.filesWritten === 'number';
  const opened = (harm: Harm, ways?: RestoreWays) => withHarm(harm, () => openReadableChain(pool, planOf(ways)));

  interface Restored {
    readonly told: readonly string[];
    readonly read: (path: string) => Buffer;
  }
  async function restored(harm: Harm, ways?: RestoreWays): Promise<Restored> {
    const name = `${folder.path}/${String(++count)}`;
    mkdirSync(`${name}-space`, { mode: 0o700 });
    const found = await withHarm(harm, async () => {
      const { chain, lost } = await openReadableChain(pool, planOf(ways));
      const [newest, ...bases] = chain;
      // The golden set has a directory where a real one has a link.
      const members = newest.meta.members.filter(({ path }) => path !== 'pg_tblspc/16400');
      const readable: SetChain = [{ ...newest, meta: { ...newest.meta, members } }, ...bases];
      const place = { directory: name, tablespaces: { '16400': `${name}-space` } };
      const target = prepareTarget({ ...place, runId: name, owner, bytes: {}, files });
      const request = { chain: readable, lost, pool: access, target, channels: 1, step: quietStep, ways };
      return restoreSet({ ...request, hasOutsideConfiguration: false });
    });
    if (!isRestored(found)) return expect.fail(JSON.stringify(found));
    const warnings = found.warnings.filter(({ code }) => code !== 'link_not_restored');
    return {
      told: warnings.map(({ code, detail }) => `${code} ${detail}`),
      read: (path) => readFileSync(`${name}/${path}`),
    };
  }

  const keysOf = isEncrypted ? [setMetaKey, setStartKey] : [setMetaKey];
  const harms = keysOf.flatMap((key) => [gone, cut, flipped].map((harm) => ({ key, harm })));

  test('is refused when the set itself cannot be opened, also with its damage accepted, and names the set below that can', async () => {
    for (const { key, harm } of harms)
      for (const ways of [undefined, asFiles])
        expect(await opened(harm(key(last)), ways)).toMatchObject({
          ...{ code: 'set_head_unreadable', set: last },
          others: `${middle}, on which it builds, can be opened`,
        });
    const both: Harm = (pool) => {
      gone(setMetaKey(last))(pool);
      gone(setMetaKey(full))(pool);
    };
    expect(await opened(both, asFiles)).toMatchObject({ others: 'no set on which it builds can be opened' });
  });

  test('is refused when a base cannot be opened unless files alone are wanted and damage is accepted', async () => {
    for (const { key, harm } of harms)
      for (const ways of [undefined, consent, { endsAs: 'files' } as const])
        expect(await opened(harm(key(middle)), ways)).toMatchObject({
          ...{ code: 'set_base_unreadable', set: last, base: middle },
          others: `${full}, on which it builds, can be opened`,
        });
    expect(await opened(gone(setMetaKey(full)))).toMatchObject({
      ...{ code: 'set_base_unreadable', base: full, others: 'no set on which it builds can be opened' },
    });
  });

  test('gives what the set holds itself, zeros for all that comes from a lost base or from below it, and a list of them', async () => {
    for (const key of keysOf) {
      const { read, told } = await restored(gone(key(middle)), asFiles);
      expect(read('base/5/empty')).toEqual(lastFiles['base/5/empty']);
      expect(read('backup_label')).toEqual(lastFiles['backup_label']);
      const grown = Buffer.from(lastFiles['base/5/new'] ?? '').fill(0, 0, 90_000);
      expect(Buffer.compare(read('base/5/new'), grown)).toBe(0);
      const head = Buffer.from(lastFiles['base/5/1259'] ?? '').fill(0, 7000);
      expect(Buffer.compare(read('base/5/1259'), head)).toBe(0);
      expect(read('PG_VERSION')).toEqual(Buffer.alloc(3));
      expect(told[0]).toMatch(/^base_lost \d+ bytes of 4 files are zeros: base /);
      expect(told.slice(1, -1).map((line) => /^extent_zeroed ([^:]+): blocks ([^(]+) are/.exec(line)?.slice(1))).toEqual(
        expect.arrayContaining([
          ['PG_VERSION', '0'],
          ['base/5/1259', '0–2'],
          ['base/5/new', '0–10'],
        ]),
      );
      expect(told.at(-1)).toMatch(/^damage_accepted /);
    }
  });

  test('takes what is there of the sets above the lost one', async () => {
    const { read } = await restored(gone(setMetaKey(full)), asFiles);
    expect(Buffer.compare(read('base/5/new'), lastFiles['base/5/new'] ?? Buffer.alloc(0))).toBe(0);
    const wanted = Buffer.from(lastFiles['base/5/1259'] ?? '').fill(0, 7000, 8192).fill(0, 16_384);
    expect(middleFiles['base/5/1259']?.subarray(8192, 8200).toString()).toBe('changed ');
    expect(Buffer.compare(read('base/5/1259'), wanted)).toBe(0);
  });

  test('needs no start in a plain pool', async () => {
    if (isEncrypted) return;
    const { read, told } = await restored(gone(setStartKey(last)));
    expect(told).toEqual([]);
    expect(read('base/5/empty')).toEqual(lastFiles['base/5/empty']);
  });
});
