import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '#scripts/supervisor/postgres-instance.ts';
import { runTool } from '#scripts/servers/tool.mjs';
import type { CopiedBase } from '#tests/support/changed-stage.ts';
import { askChanged, copyBase, overlay } from '#tests/support/changed-stage.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, stageOn, writeRows } from '#tests/support/log-stage.ts';
import { quietSettings } from '#tests/support/mixed-load.ts';

type Ask = (text: string) => Promise<readonly Record<string, unknown>[]>;

const segmentNow = async (ask: Ask): Promise<string> =>
  String((await ask('SELECT pg_walfile_name(pg_current_wal_lsn()) AS v'))[0]?.['v']);

async function copyOf({ server }: LogStage, name: string): Promise<string> {
  const copy = join(server.folder, name);
  await server.stop();
  await runTool('cp', ['-a', server.dataDirectory, copy]);
  await server.start();
  return copy;
}

/** A copy of the stopped server writes log of its own up to the end of a segment; what that holds. */
async function segmentOfCopy({ server }: LogStage, directory: string, wanted: string): Promise<Uint8Array> {
  writeFileSync(join(directory, 'postgresql.auto.conf'), "archive_command = 'false'\n", { flag: 'a' });
  const logPath = `${directory}.log`;
  const copy = await startPostgres({ name: 'copy', programs: server.programs, dataDirectory: directory, logPath });
  onTestFinished(() => copy.stop());
  const client = new pg.Client(server.connection);
  client.on('error', () => undefined);
  await client.connect();
  const ask: Ask = async (text) => (await client.query<Record<string, unknown>>(text)).rows;
  await ask('CREATE TABLE other (a int)');
  while ((await segmentNow(ask)) < wanted) {
    await ask('INSERT INTO other SELECT g FROM generate_series(1, 10) g');
    await ask('SELECT pg_switch_wal()');
    await ask('INSERT INTO other SELECT 1');
  }
  await ask('INSERT INTO other SELECT g FROM generate_series(1, 100) g');
  await ask('SELECT pg_switch_wal()');
  await client.end();
  await copy.stop();
  return readFileSync(join(directory, 'pg_wal', wanted));
}

interface Seen {
  readonly source: string;
  readonly warnings: string;
  readonly wrong: readonly unknown[];
}

const incremental = (stage: LogStage, base: CopiedBase): Promise<Seen> =>
  askChanged(stage, base, { wanted: 'log' }, async (opened) => {
    const { wrong } = await overlay(stage, base, opened);
    return { source: opened.pages.source, warnings: opened.warnings.map(({ detail }) => detail).join(), wrong };
  });

test.each(['the archive directory', 'the pool'])(
  'D-038 an incremental leaves out no change when a copy of the server put its file where log comes next, known before by %s',
  async (known) => {
    const stage = await stageOn(15, { config: [...quietSettings] });
    const { server } = stage;
    await writeRows(stage, 20_000);
    await server.sql('VACUUM t');
    await stage.backUp();
    const directory = await copyOf(stage, 'copy');
    const base = await copyBase(stage, 'base');
    await server.sql("UPDATE t SET b = 'first' WHERE a % 500 = 0");
    const first = await segmentNow((text) => server.sql(text));
    if (known === 'the pool') await stage.backUp();
    else await server.sql('SELECT pg_switch_wal()');
    await expect.poll(() => archived(stage), { timeout: 60_000 }).toContain(first);
    // The archive command refuses other content under a name: as if the copy had been first with the next one.
    await server.sql("ALTER SYSTEM SET archive_command = 'false'");
    await server.sql('SELECT pg_reload_conf()');
    await server.sql("UPDATE t SET b = 'lost' WHERE a % 50 = 0");
    const second = await segmentNow((text) => server.sql(text));
    await server.sql('SELECT pg_switch_wal()');
    await server.stop();
    const foreign = await segmentOfCopy(stage, directory, second);
    expect(Buffer.compare(foreign, readFileSync(join(server.dataDirectory, 'pg_wal', second)))).not.toBe(0);
    writeFileSync(join(server.archiveDirectory, second), foreign);
    await server.start();
    expect(await incremental(stage, base)).toMatchObject({ source: 'log', warnings: '', wrong: [] });
    // Nor when the server has its own file no more.
    const own = join(server.dataDirectory, 'pg_wal', second);
    renameSync(own, `${own}.away`);
    const seen = await incremental(stage, base);
    renameSync(`${own}.away`, own);
    expect(seen.wrong).toEqual([]);
    expect(seen.warnings).toContain('changed pages are not taken from log');
  },
);

test('D-038 an incremental leaves out no change of a server that was put back behind log that the pool knows', async () => {
  const stage = await stageOn(15, { config: [...quietSettings] });
  const { server } = stage;
  await writeRows(stage, 20_000);
  await server.sql('VACUUM t');
  await stage.backUp();
  const base = await copyBase(stage, 'base');
  await server.sql("UPDATE t SET b = 'first' WHERE a % 500 = 0");
  const snapshot = await copyOf(stage, 'snapshot');
  await server.sql('CREATE TABLE x AS SELECT g FROM generate_series(1, 100) g');
  await stage.backUp();
  await server.sql('CREATE TABLE y AS SELECT g FROM generate_series(1, 100) g');
  await stage.backUp();
  await server.stop();
  renameSync(server.dataDirectory, `${server.dataDirectory}.abandoned`);
  renameSync(snapshot, server.dataDirectory);
  await server.start();
  const behind = await incremental(stage, base);
  expect(behind.wrong).toEqual([]);
  expect(behind.warnings).toContain('was put back to an earlier state');
  await server.sql("ALTER SYSTEM SET archive_command = 'false'");
  await server.sql('SELECT pg_reload_conf()');
  for (let i = 0; i < 4; i++) {
    await server.sql(`UPDATE t SET b = 'lost ${String(i)}' WHERE a % 50 = ${String(i)}`);
    await server.sql('SELECT pg_switch_wal()');
  }
  const past = await incremental(stage, base);
  expect(past.wrong).toEqual([]);
  expect(past.warnings).toContain('is not the one that the pool holds');
});

test('D-038 an incremental leaves out no change of a server and archive that were put back, nor does log behind a refused file pass for gap-free', async () => {
  const stage = await stageOn(15, { config: [...quietSettings] });
  const { server } = stage;
  await writeRows(stage, 20_000);
  await server.sql('CREATE TABLE u AS SELECT a, b FROM t');
  await server.sql('VACUUM t');
  await server.sql('VACUUM u');
  await stage.backUp();
  const base = await copyBase(stage, 'base');
  const now = (): Promise<string> => segmentNow((text) => server.sql(text));
  await server.sql("UPDATE t SET b = 'first' WHERE a % 500 = 0");
  const first = await now();
  await server.sql('SELECT pg_switch_wal()');
  await expect.poll(() => archived(stage), { timeout: 60_000 }).toContain(first);
  const snapshot = await copyOf(stage, 'snapshot');
  const archive = join(server.folder, 'snapshot-archive');
  await runTool('cp', ['-a', server.archiveDirectory, archive]);
  await server.sql('CREATE TABLE x AS SELECT g FROM generate_series(1, 100) g');
  const second = await now();
  await stage.backUp();
  await server.stop();
  for (const [there, copy] of [
    [server.dataDirectory, snapshot],
    [server.archiveDirectory, archive],
  ] as const) {
    renameSync(there, `${there}.abandoned`);
    renameSync(copy, there);
  }
  await server.start();
  // The same segment with other content.
  await server.sql("UPDATE u SET b = 'lost' WHERE a % 50 = 0");
  expect(await now()).toBe(second);
  const refused = { code: 'log_duplicate_differs' };
  await expect(stage.backUp()).rejects.toMatchObject(refused);
  expect(stage.told.every(({ segments }) => segments.length > 0)).toBe(true);
  await server.sql("UPDATE t SET b = 'more' WHERE a % 500 = 1");
  const third = await now();
  await expect(stage.backUp()).rejects.toMatchObject(refused);
  const behind = stage.told.find(({ segments }) => segments.some(({ name }) => name === third));
  expect(behind).toMatchObject({ isAfterGap: true });
  const seen = await incremental(stage, base);
  expect(seen.wrong).toEqual([]);
});
