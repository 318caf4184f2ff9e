import { readFileSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { keyOfLog } from '#agent/sets/seal-log.ts';
import { archived, stageOn, withRetention, writeRows } from '#tests/support/log-stage.ts';
import type { NeededLog } from '#agent/wal/needed-log.ts';

describe('retention of archived files', () => {
  test('K-080 delete: all backed-up files but the newest go, once every pool of the resource holds them', async () => {
    const stage = await stageOn(15, { pools: 2 });
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    const first = await stage.backUp(withRetention(stage, { mode: 'delete' }));
    expect(first.deletedFiles).toBe(0);
    const swapped = [...stage.pools].reverse();
    const second = await stage.backUp({ ...withRetention(stage, { mode: 'delete' }), pools: swapped });
    expect(second.deletedFiles).toBeGreaterThan(0);
    expect(archived(stage)).toHaveLength(1);
  });

  test('K-080 notes of backups go behind the segments before them', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    await stage.backUp();
    const [oldest = ''] = archived(stage);
    const at = (name: string): string => join(stage.server.archiveDirectory, name);
    const [note, kept] = [`${oldest}.00000028.backup`, `${oldest.slice(0, 16)}000000FE.00000028.backup`];
    for (const name of [note, kept]) writeFileSync(at(name), '');
    await stage.backUp(withRetention(stage, { mode: 'keep' }));
    expect(readdirSync(stage.server.archiveDirectory)).toEqual(expect.arrayContaining([note, kept]));
    await stage.backUp(withRetention(stage, { mode: 'delete' }));
    const left = readdirSync(stage.server.archiveDirectory);
    expect(left).toContain(kept);
    expect(left).not.toContain(note);
  });

  test('K-080 keep N days: younger files stay, older ones go; keep: none goes', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    expect((await stage.backUp(withRetention(stage, { mode: 'keep' }))).deletedFiles).toBe(0);
    expect((await stage.backUp(withRetention(stage, { mode: 'keep-days', days: 7 }))).deletedFiles).toBe(0);
    const [oldest = ''] = archived(stage);
    const before = Date.now() / 1000 - 8 * 86_400;
    utimesSync(join(stage.server.archiveDirectory, oldest), before, before);
    expect((await stage.backUp(withRetention(stage, { mode: 'keep-days', days: 7 }))).deletedFiles).toBe(1);
    expect(archived(stage)).not.toContain(oldest);
  });

  test('K-080 nothing that a running backup needs is deleted', async () => {
    const stage = await stageOn();
    for (let i = 0; i < 3; i++) {
      await writeRows(stage);
      await stage.server.sql('SELECT pg_switch_wal()');
    }
    await stage.backUp();
    const names = archived(stage);
    const neededFrom = [{ timeline: 1, segment: parseSegmentName(names[1] ?? '') }];
    await stage.backUp({ ...withRetention(stage, { mode: 'delete' }), neededFrom });
    expect(archived(stage)).not.toContain(names[0]);
    expect(archived(stage)).toEqual(expect.arrayContaining(names.slice(1)));
  });

  test('K-080 log of a backup recorded after the order was made stays, and all log when none can be said to be free', async () => {
    const answers: Awaited<ReturnType<NeededLog>>[] = [undefined];
    const stage = await stageOn(15, { neededLog: () => Promise.resolve(answers[0]) });
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.backUp();
    const names = archived(stage);
    expect((await stage.backUp(withRetention(stage, { mode: 'delete' }))).deletedFiles).toBe(0);
    answers[0] = [{ timeline: 1, segment: parseSegmentName(names[1] ?? '') }];
    expect((await stage.backUp(withRetention(stage, { mode: 'delete' }))).deletedFiles).toBe(1);
    expect(archived(stage)).toEqual(expect.arrayContaining(names.slice(1)));
  });

  test('K-080 K-084 an API that is away for a moment is asked again before archived files are deleted', async () => {
    let left = 2;
    const neededLog: NeededLog = (runId) => {
      left -= 1;
      if (left >= 0)
        return Promise.reject(fail('api_unavailable', { url: 'http://h', request: runId, cause: 'restarting' }));
      return Promise.resolve([]);
    };
    const stage = await stageOn(15, { neededLog });
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.backUp();
    const done = await stage.backUp(withRetention(stage, { mode: 'delete' }));
    expect(done).toMatchObject({ warnings: [] });
    expect(done.deletedFiles).toBeGreaterThan(0);
  });

  test('K-080 a file whose object is gone from a pool stays', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    await stage.backUp();
    const [first] = stage.told[0]?.segments ?? [];
    const [access] = stage.pools;
    if (first === undefined || access === undefined) return;
    const pool = await openPool(access);
    await pool.store.remove([keyOfLog({ systemId: stage.systemId, branchId: branchIdOf(''), name: first.object })]);
    await pool.close();
    await stage.backUp(withRetention(stage, { mode: 'delete' }));
    expect(archived(stage)).toContain(first.name);
  });

  test('K-080 a file whose object is damaged in one of its pools stays, with a warning that names both', async () => {
    const stage = await stageOn(15, { pools: 2 });
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await writeRows(stage);
    await stage.backUp();
    await stage.backUp({ pools: [...stage.pools].reverse() });
    const [first] = stage.told[0]?.segments ?? [];
    const place = stage.pools[1]?.place;
    if (first === undefined || place?.kind !== 'local') return expect.fail('nothing was committed');
    const object = keyOfLog({ systemId: stage.systemId, branchId: branchIdOf(''), name: first.object });
    const path = join(place.directory, object);
    const bytes = readFileSync(path);
    bytes.writeUInt8(bytes.readUInt8(1000) ^ 1, 1000);
    writeFileSync(path, bytes);
    const report = await stage.backUp(withRetention(stage, { mode: 'delete' }));
    expect(archived(stage)).toContain(first.name);
    const [warning] = report.warnings;
    expect(warning).toMatchObject({ code: 'log_segment_lost' });
    expect(warning?.detail).toContain(object);
    expect(warning?.detail).toContain(join(stage.server.archiveDirectory, first.name));
  });
});
