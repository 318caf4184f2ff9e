import { appendFileSync, copyFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { coverage } from '#core/log/coverage.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, stageOn, withRetention, writeRows } from '#tests/support/log-stage.ts';

const log = (stage: LogStage): ReturnType<typeof coverage> => coverage({ sets: [], batches: stage.told });

describe('log backup', () => {
  test('a different file under a committed name is refused and nothing is overwritten or deleted', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.backUp();
    const [name = ''] = archived(stage);
    const path = join(stage.server.archiveDirectory, name);
    const bytes = readFileSync(path);
    bytes[9000] = (bytes[9000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const before = archived(stage);
    await expect(stage.backUp(withRetention(stage, { mode: 'delete' }))).rejects.toMatchObject({
      code: 'log_duplicate_differs',
    });
    expect(archived(stage).filter((each) => before.includes(each))).toEqual(before);
  });

  test('a committed file that grew is refused, also when many segments are taken at once', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.backUp();
    for (let i = 0; i < 4; i++) {
      await writeRows(stage);
      await stage.server.sql('SELECT pg_switch_wal()');
    }
    const [name = ''] = archived(stage);
    appendFileSync(join(stage.server.archiveDirectory, name), 'x');
    await expect(stage.backUp()).rejects.toMatchObject({ code: 'log_duplicate_differs' });
  });

  test("another cluster's log in the directory is refused by name and identifier", async () => {
    const stage = await stageOn();
    const other = await stageOn();
    await writeRows(other, 300_000);
    await other.backUp();
    await writeRows(stage);
    await stage.backUp();
    const foreign = archived(other)[archived(other).length - 1] ?? '';
    copyFileSync(join(other.server.archiveDirectory, foreign), join(stage.server.archiveDirectory, foreign));
    await expect(stage.backUp()).rejects.toMatchObject({
      code: 'log_foreign',
      params: { found: other.systemId, expected: stage.systemId },
    });
  });

  test('damaged, zero-filled and renamed files and those of another page size are refused, the log around them is committed', async () => {
    const stage = await stageOn();
    await writeRows(stage, 400_000);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.backUp();
    const names = archived(stage);
    const other = await stageOn();
    await other.server.stop();
    const takeIn = (name: string, change: (bytes: Buffer) => Buffer): void => {
      writeFileSync(
        join(other.server.archiveDirectory, name),
        change(readFileSync(join(stage.server.archiveDirectory, name))),
      );
    };
    names.slice(0, 3).forEach((name) => {
      takeIn(name, (bytes) => bytes);
    });
    const instance = { ...other.order().instance, systemId: stage.systemId };
    const [, second = ''] = names;
    takeIn(second, (bytes) => bytes.fill(0, 8_000_000));
    await expect(other.backUp({ instance })).rejects.toMatchObject({ code: 'log_damaged' });
    expect(other.told.flatMap((batch) => batch.segments.map((segment) => segment.name))).toEqual([names[0], names[2]]);
    takeIn(second, (bytes) => {
      bytes[5_000_000] = (bytes[5_000_000] ?? 0) ^ 4;
      return bytes;
    });
    await expect(other.backUp({ instance })).rejects.toMatchObject({ code: 'log_damaged' });
    takeIn(second, (bytes) => {
      // The page size of the log, in its long page header.
      bytes.writeUInt32LE(16_384, 36);
      return bytes;
    });
    await expect(other.backUp({ instance })).rejects.toMatchObject({ code: 'log_damaged' });
    copyFileSync(join(stage.server.archiveDirectory, names[0] ?? ''), join(other.server.archiveDirectory, second));
    await expect(other.backUp({ instance })).rejects.toMatchObject({ code: 'log_name_mismatch' });
    takeIn(second, (bytes) => bytes);
    await other.backUp({ instance });
    expect(log(other).branches[0]?.gaps).toEqual([]);
  });

  test('a file that is still being written is left for the next run', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.backUp();
    await writeRows(stage);
    await stage.backUp();
    await stage.server.stop();
    const newest = join(stage.server.archiveDirectory, archived(stage)[archived(stage).length - 1] ?? '');
    const next = newest.replace(/.{8}$/, (low) => (parseInt(low, 16) + 1).toString(16).toUpperCase().padStart(8, '0'));
    copyFileSync(newest, next);
    truncateSync(next, 5_000_000);
    const report = await stage.backUp();
    expect(report.warnings.map((warning) => warning.code)).toEqual(['log_file_incomplete']);
  });

  test('files that are no log are named in a warning and left alone', async () => {
    const stage = await stageOn();
    await writeRows(stage);
    const stray = join(stage.server.archiveDirectory, 'notes.txt');
    writeFileSync(stray, 'x');
    const report = await stage.backUp(withRetention(stage, { mode: 'delete' }));
    expect(report.warnings.map((warning) => warning.code)).toEqual(['archive_file_unknown']);
    expect(existsSync(stray)).toBe(true);
  });

  test('K-082 an archive directory that does not exist is refused by name', async () => {
    const stage = await stageOn();
    const { options } = stage.order();
    await stage.server.stop();
    const order = { options: { ...options, archiveDirectory: '/nonexistent/archive' } };
    await expect(stage.backUp(order)).rejects.toMatchObject({
      code: 'archive_directory_unreadable',
      params: { directory: '/nonexistent/archive' },
    });
  });
});
