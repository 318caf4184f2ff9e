import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { runTool } from '#scripts/servers/tool.mjs';
import pg from 'pg';
import type { OpenedChangedPages } from '#agent/changed/open-changed-pages.ts';
import type { CopiedBase } from '#tests/support/changed-stage.ts';
import { askChanged, copyBase, overlay } from '#tests/support/changed-stage.ts';
import type { LogStage, StageOptions } from '#tests/support/log-stage.ts';
import { stageOn, writeRows } from '#tests/support/log-stage.ts';
import { quietSettings } from '#tests/support/mixed-load.ts';
import type { Major } from '#tests/support/postgres.ts';

const open = (major: Major, config: readonly string[] = [], options: StageOptions = {}): Promise<LogStage> =>
  stageOn(major, { ...options, config: [...quietSettings, ...config] });

const pathOf = async ({ server }: LogStage, table: string): Promise<string> =>
  String((await server.sql(`SELECT pg_relation_filepath('${table}') AS path`))[0]?.['path']);

const sourceOf = ({ pages }: OpenedChangedPages): string => pages.source;
const objectsOf = async (stage: LogStage, kind: string): Promise<string[]> => {
  const [access] = stage.pools;
  const directory = access?.place.kind === 'local' ? access.place.directory : '';
  const files = await runTool('find', [join(directory, 'logs'), '-path', `*/${kind}/*`, '-type', 'f']);
  return files.split('\n').filter((path) => path !== '');
};

const expectOneWarning = ({ warnings }: OpenedChangedPages, part: string): void => {
  expect(warnings.map(({ code }) => code)).toEqual(['changed_pages_source']);
  expect(warnings[0]?.detail).toContain(part);
};

/** Counts by the index alone, and by the table. */
async function counts(
  programs: string,
  dataDirectory: string,
  connection: pg.ClientConfig,
): Promise<readonly number[]> {
  const server = await startPostgres({ name: 'overlaid', programs, dataDirectory, logPath: `${dataDirectory}.log` });
  const client = new pg.Client(connection);
  onTestFinished(() => server.stop());
  client.on('error', () => undefined);
  await client.connect();
  const count = async (...off: readonly string[]): Promise<number> => {
    await client.query('RESET ALL');
    for (const setting of ['enable_bitmapscan', ...off]) await client.query(`SET ${setting} = off`);
    return Number((await client.query<{ n: string }>('SELECT count(*) AS n FROM v WHERE id > 0')).rows[0]?.n);
  };
  const found = [await count('enable_seqscan'), await count('enable_indexonlyscan', 'enable_indexscan')];
  await client.end();
  await server.stop();
  return found;
}

describe.each<Major>([15, 18])('traps on PostgreSQL %i', (major) => {
  test('D-038 a visibility map kept from the base counts deleted rows, so every map is copied whole', async () => {
    const stage = await open(major);
    const { server } = stage;
    await server.sql('CREATE TABLE v AS SELECT g AS id FROM generate_series(1, 20000) g');
    await server.sql('CREATE INDEX ON v (id)');
    await server.sql('VACUUM v');
    const base = await copyBase(stage, 'base');
    await server.sql('DELETE FROM v WHERE id % 40 = 0');
    const map = `${await pathOf(stage, 'v')}_vm`;
    const asked = await askChanged(stage, base, {}, async (opened) => {
      const before = readFileSync(join(base.directory, map));
      const now = readFileSync(join(server.dataDirectory, map));
      const changed = opened.pages.changedIn({ path: map, sizeBytes: now.length, baseBytes: before.length });
      return { before, changed, wrong: (await overlay(stage, base, opened)).wrong };
    });
    expect([asked.changed, asked.wrong]).toEqual([{ kind: 'whole' }, []]);
    await server.stop();
    const right = readFileSync(join(server.dataDirectory, map));
    const counted = async (content: Buffer): Promise<readonly number[]> => {
      writeFileSync(join(server.dataDirectory, map), content);
      return counts(server.programs, server.dataDirectory, server.connection);
    };
    // In this order: a scan with the right map marks what it finds dead in the index.
    expect(await counted(asked.before)).toEqual([20_000, 19_500]);
    expect(await counted(right)).toEqual([19_500, 19_500]);
  });

  test('D-038 pages that a crash left zeroed where the base has rows are listed', async () => {
    const stage = await open(major, ['wal_writer_delay = 10s', 'wal_buffers = 16MB', 'max_wal_size = 1GB']);
    const { server } = stage;
    await server.sql('CREATE TABLE z AS SELECT g AS id FROM generate_series(1, 40000) g');
    // Its pages are empty already: no record names them when they are cut off.
    await server.sql('CREATE TABLE y AS SELECT * FROM z');
    await server.sql('DELETE FROM y');
    await server.sql('VACUUM (TRUNCATE off) y');
    const base = await copyBase(stage, 'base');
    await server.sql('DELETE FROM z');
    await server.sql('VACUUM z');
    await server.sql('VACUUM y');
    // Recovery begins behind the truncation, which would cut the file again.
    await server.sql('CHECKPOINT');
    const client = await server.connect();
    await client.query(
      'BEGIN; INSERT INTO z SELECT g FROM generate_series(1, 40000) g; INSERT INTO y SELECT g FROM generate_series(1, 40000) g',
    );
    await server.kill();
    await client.end().catch(() => undefined);
    await server.start();
    const paths = [await pathOf(stage, 'z'), await pathOf(stage, 'y')];
    for (const wanted of ['log', 'page-lsn'] as const) {
      const asked = await askChanged(stage, base, { wanted }, async (opened) => ({
        zeros: paths.map((path) => zeroPages(readFileSync(join(server.dataDirectory, path)))),
        source: sourceOf(opened),
        wrong: (await overlay(stage, base, opened)).wrong,
      }));
      expect(Math.min(...asked.zeros)).toBeGreaterThan(10);
      expect([asked.source, asked.wrong]).toEqual([wanted, []]);
    }
    expect(await server.sql('SELECT count(*)::int AS n FROM z')).toEqual([{ n: 0 }]);
  });
});

const zeroPages = (bytes: Buffer): number => {
  let found = 0;
  for (let at = 0; at < bytes.length; at += 8192)
    found += bytes.subarray(at, at + 8192).every((byte) => byte === 0) ? 1 : 0;
  return found;
};

/** Rows in a base, a change of a few of them, and a log backup behind it. */
async function changedStage(
  major: Major,
  config: readonly string[] = [],
  options: StageOptions = {},
): Promise<{ stage: LogStage; base: CopiedBase }> {
  const stage = await open(major, config, options);
  await writeRows(stage, 100_000);
  // Hint bits are set, and logged, by whoever looks at a row first.
  await stage.server.sql('VACUUM t');
  await stage.backUp();
  const base = await copyBase(stage, 'base');
  await stage.server.sql("UPDATE t SET b = 'new' WHERE a % 500 = 0");
  await stage.server.sql('SELECT pg_switch_wal()');
  await stage.server.sql("UPDATE t SET b = 'newer' WHERE a % 700 = 0");
  return { stage, base };
}

describe('sources that cannot answer', () => {
  test('D-038 removed summaries are noticed, and the log answers instead and says so', async () => {
    const { stage, base } = await changedStage(17, ['summarize_wal = on']);
    await stage.backUp();
    const directory = join(stage.server.dataDirectory, 'pg_wal', 'summaries');
    const first = await askChanged(stage, base, {}, (opened) => [sourceOf(opened), opened.warnings]);
    expect(first).toEqual(['wal-summary', []]);
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
    await askChanged(stage, base, {}, async (opened) => {
      expect(sourceOf(opened)).toBe('log');
      expectOneWarning(opened, `no summary covers the log from ${base.summary.beginLsn} on timeline 1`);
      expect((await overlay(stage, base, opened)).wrong).toEqual([]);
    });
  });

  test('D-038 a source that is not offered is no warning, unless it was asked for', async () => {
    const { stage, base } = await changedStage(17);
    const detail = 'changed pages are not taken from wal-summary: summarize_wal is off';
    await askChanged(stage, base, {}, ({ warnings, notes }) => {
      expect([warnings, notes]).toEqual([[], [detail]]);
    });
    await askChanged(stage, base, { wanted: 'wal-summary' }, ({ pages, warnings }) => {
      expect([pages.source, warnings]).toEqual(['log', [{ code: 'changed_pages_source', detail }]]);
    });
  });

  test('D-038 log with a hole is noticed, named, and pages are looked at instead', async () => {
    const { stage, base } = await changedStage(15);
    const name = String((await stage.server.sql('SELECT pg_walfile_name(pg_switch_wal()) AS name'))[0]?.['name']);
    await expect.poll(() => readdirSync(stage.server.archiveDirectory)).toContain(name);
    await stage.server.sql('CHECKPOINT');
    for (const directory of [stage.server.archiveDirectory, join(stage.server.dataDirectory, 'pg_wal')])
      rmSync(join(directory, name), { force: true });
    await askChanged(stage, base, {}, async (opened) => {
      expect(sourceOf(opened)).toBe('page-lsn');
      expectOneWarning(opened, `(segment ${name}) is neither in pool`);
      expect((await overlay(stage, base, opened)).wrong).toEqual([]);
    });
  });

  test('D-038 log that was written with wal_level minimal is not trusted', async () => {
    const { stage, base } = await changedStage(15);
    const { server } = stage;
    const restart = async (settings: string): Promise<void> => {
      await server.stop();
      writeFileSync(join(server.dataDirectory, 'postgresql.auto.conf'), settings);
      await server.start();
    };
    await restart("wal_level = 'minimal'\narchive_mode = off\nmax_wal_senders = 0\n");
    await server.sql("UPDATE t SET b = 'unseen' WHERE a % 900 = 0");
    await restart('');
    await stage.backUp();
    await askChanged(stage, base, {}, async (opened) => {
      expect(sourceOf(opened)).toBe('page-lsn');
      expectOneWarning(opened, 'changed pages are not taken from log: wal_level was minimal at ');
      expect((await overlay(stage, base, opened)).wrong).toEqual([]);
    });
    const later = await copyBase(stage, 'later');
    await askChanged(stage, later, {}, (opened) => {
      expect([sourceOf(opened), opened.warnings]).toEqual(['log', []]);
    });
  });

  test('D-038 block references that are lost or damaged cost only the reading of the log itself', async () => {
    const { stage, base } = await changedStage(15, [], { passphrase: 'correct horse battery' });
    await stage.backUp();
    const [first = '', second = '', ...more] = (await objectsOf(stage, 'references')).sort();
    expect(more).toEqual([]);
    const cheap = await askChanged(stage, base, {}, ({ logBytesRead, notes }) => ({ logBytesRead, notes }));
    expect(cheap.notes.filter((note) => note.includes('references'))).toEqual([]);
    const bytes = readFileSync(second);
    bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1;
    for (const content of [bytes, undefined]) {
      if (content === undefined) rmSync(second);
      else writeFileSync(second, content);
      await askChanged(stage, base, {}, async (opened) => {
        expect([sourceOf(opened), opened.warnings]).toEqual(['log', []]);
        expect(opened.notes.join()).toContain('the log itself is read instead');
        expect(opened.logBytesRead).toBeGreaterThan(cheap.logBytesRead + 16_000_000);
        expect((await overlay(stage, base, opened)).wrong).toEqual([]);
      });
    }
    expect(first).not.toBe('');
  });
});

describe('what it costs', () => {
  test('D-038 what is read follows the change, not the size of the database or of the log', async () => {
    const { stage, base } = await changedStage(15);
    await stage.backUp();
    const [last] = stage.told.slice(-1);
    const log = stage.told.flatMap(({ segments }) => segments).reduce((sum, { rawBytes }) => sum + rawBytes, 0);
    const references = stage.told.reduce((sum, batch) => sum + (batch.references?.storedBytes ?? 0), 0);
    expect(last?.references?.to).toBe(last?.to);
    expect(references).toBeLessThan(log / 100);
    await askChanged(stage, base, {}, async (opened) => {
      const { bytesRead, wrong } = await overlay(stage, base, opened);
      const [row] = await stage.server.sql("SELECT pg_relation_size('t')::int AS bytes");
      expect(wrong).toEqual([]);
      // 340 of 100 000 rows, a hundred on each page.
      expect(bytesRead).toBeLessThan(Number(row?.['bytes']) * 0.6);
      // The batches are known by their references; of the segment in use only what holds records is read, and the newest committed
      // one is compared with the server's own, while that is there.
      const newest = join(stage.server.dataDirectory, 'pg_wal', last?.segments.at(-1)?.name ?? '');
      const compared = existsSync(newest) ? 16_777_216 : 0;
      expect(opened.logBytesRead).toBeLessThanOrEqual(2_097_152 + compared + references);
    });
  });
});

describe.each<Major>([15, 17])('timelines of PostgreSQL %i', (major) => {
  test('D-038 a base before a promotion is followed across it, by log and by summaries', async () => {
    const { stage, base } = await changedStage(major, major === 17 ? ['summarize_wal = on'] : []);
    const { server } = stage;
    await stage.backUp();
    await server.sql("UPDATE t SET b = 'last of its timeline' WHERE a % 900 = 0");
    await server.stop();
    writeFileSync(join(server.dataDirectory, 'recovery.signal'), '');
    writeFileSync(join(server.dataDirectory, 'postgresql.auto.conf'), "restore_command = 'false'\n");
    await server.start();
    await expect
      .poll(async () => (await server.sql('SELECT pg_is_in_recovery() AS is'))[0]?.['is'], { timeout: 30_000 })
      .toBe(false);
    await server.sql("UPDATE t SET b = 'first of the next' WHERE a % 800 = 0");
    await stage.backUp();
    await server.sql("UPDATE t SET b = 'tail' WHERE a % 1100 = 0");
    expect(new Set(stage.told.map(({ timeline }) => timeline))).toEqual(new Set([1, 2]));
    for (const wanted of ['log', ...(major === 17 ? (['wal-summary'] as const) : [])] as const) {
      await askChanged(stage, base, { wanted }, async (opened, { now }) => {
        expect([now.timeline, sourceOf(opened), opened.warnings]).toEqual([2, wanted, []]);
        expect((await overlay(stage, base, opened)).wrong).toEqual([]);
      });
    }
  });
});
