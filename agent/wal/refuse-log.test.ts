import { copyFileSync, existsSync, readFileSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { ArchiveRetention } from '#core/agent/order.ts';
import { coverage } from '#core/log/coverage.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { openLogStage } from '#tests/support/log-stage.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const stageOn = async (): Promise<LogStage> => {
  const stage = await openLogStage(await openPostgres({ major: 15, archive: true }));
  onTestFinished(() => stage.close());
  return stage;
};

/** Writes some log and closes its segment. */
const write = async ({ server }: LogStage, rows = 100): Promise<void> => {
  await server.sql('CREATE TABLE IF NOT EXISTS t (a int, b text)');
  await server.sql(`INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, ${String(rows)}) g`);
};

const archived = ({ server }: LogStage): string[] => readdirSync(server.archiveDirectory).filter(isSegmentName).sort();

const withRetention = (stage: LogStage, archiveRetention: ArchiveRetention): Parameters<LogStage['backUp']>[0] => {
  const { options } = stage.order();
  return { options: { ...options, archiveRetention } };
};

const log = (stage: LogStage): ReturnType<typeof coverage> => coverage({ sets: [], batches: stage.told });

describe('log backup', () => {
  test('a different file under a committed name is refused and nothing is overwritten or deleted', async () => {
    const stage = await stageOn();
    await write(stage);
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

  test("another cluster's log in the directory is refused by name and identifier", async () => {
    const stage = await stageOn();
    const other = await stageOn();
    await write(other, 300_000);
    await other.backUp();
    await write(stage);
    await stage.backUp();
    const foreign = archived(other)[archived(other).length - 1] ?? '';
    copyFileSync(join(other.server.archiveDirectory, foreign), join(stage.server.archiveDirectory, foreign));
    await expect(stage.backUp()).rejects.toMatchObject({
      code: 'log_foreign',
      params: { found: other.systemId, expected: stage.systemId },
    });
  });

  test('damaged, zero-filled and renamed files are refused, the log around them is committed', async () => {
    const stage = await stageOn();
    await write(stage, 400_000);
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
    copyFileSync(join(stage.server.archiveDirectory, names[0] ?? ''), join(other.server.archiveDirectory, second));
    await expect(other.backUp({ instance })).rejects.toMatchObject({ code: 'log_name_mismatch' });
    takeIn(second, (bytes) => bytes);
    await other.backUp({ instance });
    expect(log(other).branches[0]?.gaps).toEqual([]);
  });

  test('a file that is still being written is left for the next run', async () => {
    const stage = await stageOn();
    await write(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await stage.backUp();
    await write(stage);
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
    await write(stage);
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
