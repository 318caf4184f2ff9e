import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coverage } from '#core/log/coverage.ts';
import { branchPrefix } from '#core/format/object-key.ts';
import { branchIdOf, sha256Hex } from '#agent/codec/hash.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { getLogSegment } from '#agent/sets/log-objects.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, stageOn, writeRows } from '#tests/support/log-stage.ts';
import { readBatches } from './committed-log.ts';

const log = (stage: LogStage): ReturnType<typeof coverage> => coverage({ sets: [], batches: stage.told });

describe.each([12, 15, 18] as const)('log backup on PostgreSQL %i', (major) => {
  test('K-049 what was committed before the run began is in the pool after it, without a gap', async () => {
    const stage = await stageOn(major);
    await writeRows(stage, 200_000);
    const report = await stage.backUp();
    expect(report.segments).toBe(archived(stage).length);
    expect(report.segments).toBeGreaterThan(1);
    expect(report.warnings).toEqual([]);
    const [branch] = log(stage).branches;
    expect(branch?.gaps).toEqual([]);
    expect(branch?.stretches).toHaveLength(1);
    const [row] = await stage.server.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day");
    expect(branch?.stretches[0]?.lastCommit?.slice(0, 10)).toBe(row?.['day']);
  });
});

describe('log backup', () => {
  test('K-049 every segment in the pool is the archived file byte for byte, in an encrypted pool too', async () => {
    const stage = await stageOn(15, { passphrase: 'correct horse battery' });
    // Enough for threads to seal several at once.
    await writeRows(stage, 1_000_000);
    const { segments } = await stage.backUp({ options: { ...stage.order().options, channels: 2 } });
    expect(segments).toBeGreaterThan(4);
    const [access] = stage.pools;
    const pool = access === undefined ? undefined : await openPool(access);
    if (pool === undefined) return;
    const branchId = branchIdOf('');
    for (const segment of stage.told.flatMap((batch) => batch.segments)) {
      const raw = await getLogSegment(
        pool,
        keyOfLog({ systemId: stage.systemId, branchId, name: segment.object }),
        segment.rawSha256,
      );
      expect(sha256Hex(raw)).toBe(sha256Hex(readFileSync(join(stage.server.archiveDirectory, segment.name))));
    }
    const batches = [];
    for await (const batch of readBatches(pool, (error) => {
      throw error;
    }))
      batches.push(batch);
    expect(batches).toEqual(stage.told);
    await pool.close();
  });

  test('a second run commits only what is new, and batches form a chain', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.backUp();
    await writeRows(stage);
    const again = await stage.backUp();
    expect(again.segments).toBe(1);
    expect(stage.told).toHaveLength(2);
    expect(stage.told[1]?.previousSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(stage.told[1]?.isAfterGap).toBe(false);
    expect(stage.told[1]?.from).toBe(stage.told[0]?.to);
  });

  test('an idle database stays covered: a run without new log moves covered-until', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.backUp();
    const before = log(stage).branches[0]?.stretches[0]?.coveredUntil;
    const idle = await stage.backUp();
    expect(idle.segments).toBeLessThanOrEqual(1);
    const after = log(stage).branches[0]?.stretches[0]?.coveredUntil;
    expect(after === undefined || before === undefined ? '' : after > before).toBe(true);
  });

  test('D-012 a closed instance gives what its archive holds', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.server.stop();
    const report = await stage.backUp();
    expect(report.segments).toBe(archived(stage).length);
    expect(report.warnings).toEqual([]);
    expect(stage.told[0]?.coveredUntil.startsWith('1970')).toBe(false);
  });

  test('a missing segment is a recorded break and a warning, and the log behind it is committed', async () => {
    const stage = await stageOn();
    for (let i = 0; i < 3; i++) {
      await writeRows(stage);
      await stage.server.sql('SELECT pg_switch_wal()');
    }
    await writeRows(stage);
    const all = await stage.backUp();
    const other = await stageOn();
    expect(all.segments).toBeGreaterThan(3);
    const names = archived(stage);
    const hole = names[1] ?? '';
    for (const name of names.filter((each) => each !== hole)) {
      copyFileSync(join(stage.server.archiveDirectory, name), join(other.server.archiveDirectory, name));
    }
    await other.server.stop();
    const order = other.order();
    const report = await other.backUp({ instance: { ...order.instance, systemId: stage.systemId } });
    expect(report.warnings.map((warning) => warning.code)).toEqual(['log_gap']);
    expect(other.told.map((batch) => batch.isAfterGap)).toEqual([false, true]);
    expect(log(other).branches[0]?.gaps).toHaveLength(1);
    copyFileSync(join(stage.server.archiveDirectory, hole), join(other.server.archiveDirectory, hole));
    await other.backUp({ instance: { ...order.instance, systemId: stage.systemId } });
    expect(log(other).branches[0]?.gaps).toEqual([]);
  });

  test('log that a killed run left without its batch is used by the next run', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.server.stop();
    await stage.backUp();
    const [access] = stage.pools;
    const pool = access === undefined ? undefined : await openPool(access);
    if (pool === undefined) return;
    const batches: string[] = [];
    for await (const { key } of pool.store.list(`${branchPrefix(stage.systemId, branchIdOf(''))}batches/`)) {
      batches.push(key);
      await pool.store.remove([key]);
    }
    const objects = await countObjects(pool);
    const report = await stage.backUp();
    expect(report.segments).toBe(archived(stage).length);
    // The batch, and which blocks its log changes.
    expect(await countObjects(pool)).toBe(objects + 2);
    await pool.close();
  });

  test('a segment that a power cut tore before its batch is stored beside the torn one, and can be restored', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.server.stop();
    const [access] = stage.pools;
    const [name = ''] = archived(stage);
    if (access?.place.kind !== 'local') return;
    const branch = join(access.place.directory, branchPrefix(stage.systemId, branchIdOf('')));
    mkdirSync(branch, { recursive: true });
    writeFileSync(join(branch, name), 'torn');
    expect((await stage.backUp()).segments).toBe(archived(stage).length);
    expect(stage.told[0]?.segments[0]?.object).toMatch(new RegExp(`^${name}[.][0-9a-f]{16}$`));
  });

  test('K-082 without an archive directory in the job the one of archive_command is read', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    const { channels, compression, archiveRetention, limits, isFastCheckpoint } = stage.order().options;
    const options = { channels, compression, archiveRetention, limits, isFastCheckpoint };
    await stage.server.sql(
      `ALTER SYSTEM SET archive_command = 'test ! -f ${stage.server.archiveDirectory}/%f && cp %p ${stage.server.archiveDirectory}/%f'`,
    );
    await stage.server.sql('SELECT pg_reload_conf()');
    expect((await stage.backUp({ options })).segments).toBeGreaterThan(0);
  });
});

const countObjects = async (pool: Awaited<ReturnType<typeof openPool>>): Promise<number> => {
  const keys: string[] = [];
  for await (const { key } of pool.store.list('logs/')) keys.push(key);
  return keys.length;
};
