import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';
import { connectKingbase } from '#tests/support/kingbase-template.ts';
import { answerDumpTool, makeKingbaseTools } from '#tests/support/kingbase-tools.ts';
import type { Kingbase } from '#tests/support/kingbase.ts';
import { canShimKingbase, openKingbase } from '#tests/support/kingbase.ts';
import type { Platform } from '#tests/support/platform.ts';
import { openPlatform } from '#tests/support/platform.ts';
import { stopServerIn } from '#tests/support/server-life.ts';

const runShape = z.looseObject({ id: z.string(), state: z.string(), setId: z.string().nullable() });
const jobShape = z.looseObject({ nextRuns: z.array(z.string()) });
const planShape = z.looseObject({ plan: z.looseObject({ segments: z.array(z.looseObject({ name: z.string() })) }) });
const copyShape = z.looseObject({
  outcome: z.looseObject({ result: z.looseObject({ port: z.number(), socket: z.string() }) }),
});
const drillShape = z.looseObject({
  report: z.looseObject({ checks: z.array(z.looseObject({ name: z.string(), verdict: z.string() })) }),
});
const where = ['--resource', 'erp', '--pool', 'safe'];
const database = 'security';

describe.skipIf(!canShimKingbase)('operations on a KingbaseES (shimmed) by command line', () => {
  let kingbase: Kingbase;
  let platform: Platform;
  let folder: Folder;
  let diary: string;

  beforeAll(async () => {
    folder = openFolder('hf-kes-tools-');
    const scripts = join(folder.path, 'scripts');
    diary = join(folder.path, 'diary');
    mkdirSync(scripts, { mode: 0o755 });
    const body = `#!/bin/sh\necho "$HOLDFAST_HOOK $HOLDFAST_RESOURCE $HOLDFAST_OUTCOME" >> ${diary}\n`;
    writeFileSync(join(scripts, 'tell.sh'), body, { mode: 0o755 });
    kingbase = await openKingbase({ engine: 'kingbase-v9', archive: true, isChinese: true });
    await answerDumpTool(kingbase, ['test', database]);
    const programs = [kingbase.programs, await makeKingbaseTools(folder.path)].join(':');
    platform = await openPlatform({ env: { HOLDFAST_POSTGRES_BIN: programs, HOLDFAST_AGENT_SCRIPTS: scripts } });
    await platform.localPool('safe');
    await platform.register(kingbase, 'erp');
    await platform.logIn(kingbase, 'erp');
    await sql(
      'create table ledger (id serial primary key, word text)',
      'insert into ledger (word) select md5(g::text) from generate_series(1, 1000) g',
    );
  });
  afterAll(async () => {
    await platform.close();
    await kingbase.close();
    folder.remove();
  });

  async function sql(...statements: readonly string[]): Promise<readonly unknown[]> {
    const client = await kingbase.connect(database);
    try {
      let rows: readonly unknown[] = [];
      for (const one of statements) ({ rows } = await client.query<Record<string, unknown>>(one));
      return rows;
    } finally {
      await client.end();
    }
  }
  const contents = (): Promise<readonly unknown[]> =>
    sql(`select count(*)::int as rows, md5(string_agg(t::text, e'\\n' order by id)) as hash from ledger t`);
  const run = async (...args: readonly string[]): Promise<z.output<typeof runShape>> =>
    runShape.parse(await platform.done([...args, '--wait']));

  test('K-051 K-057 K-087 K-088 a job with a plan and scripts runs, and its next runs are foretold', async () => {
    const plan = ['--plan', 'daily', '--at', '01:30', '--zone', 'Asia/Shanghai'];
    const scripts = ['--before', 'tell.sh', '--after', 'tell.sh'];
    const created = await platform.done([
      'job',
      'create',
      'backup',
      'nightly',
      ...where,
      '--type',
      'full',
      ...plan,
      ...scripts,
    ]);
    expect(jobShape.parse(created).nextRuns.length).toBeGreaterThan(0);
    expect(await run('job', 'start', 'nightly')).toMatchObject({ state: 'succeeded' });
    expect(
      readFileSync(diary, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    ).toEqual(['before erp', 'after erp succeeded']);
  });

  test('K-090 K-101 K-102 a table goes back to a logical set, and the way back is kept', async () => {
    const { setId } = await run('logical', 'backup', ...where, '--database', database);
    const wanted = await contents();
    await sql('delete from ledger where id > 7');
    const back = await run(
      'logical',
      'restore',
      setId ?? '',
      '--table',
      `${database}.public.ledger`,
      '--consent',
      'erp',
    );
    expect(await contents()).toEqual(wanted);
    await run('database-recovery', 'undo', back.id);
    expect(await sql('select count(*)::int as n from ledger')).toEqual([{ n: 7 }]);
  });

  test('K-108 K-091 K-104 one database goes back to a moment while the other goes on; log alone is fetched', async () => {
    const wanted = await contents();
    const [moment] = z
      .tuple([z.object({ at: z.string() })])
      .parse(await sql(`select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`));
    await sql('delete from ledger');
    await kingbase.sql('create table later as select 1 as one');
    await run('backup', '--type', 'log', ...where, '--archive-retention', 'keep');
    await run(
      'database-recovery',
      'run',
      '--resource',
      'erp',
      '--at',
      moment.at,
      '--database',
      database,
      '--consent',
      'erp',
    );
    expect(await contents()).toEqual(wanted);
    expect(await kingbase.sql('select * from later')).toEqual([{ one: 1 }]);

    const directory = join(folder.path, 'log');
    const range = ['log', 'restore', '--resource', 'erp', '--from', '0/0', '--directory', directory];
    const { plan } = planShape.parse(await platform.done([...range, '--dry-run']));
    await run(...range);
    const fetched = readdirSync(directory);
    expect(fetched).toEqual(expect.arrayContaining(plan.segments.map(({ name }) => name)));
    expect(fetched).toContain('holdfast-recovery.conf');
  });

  test('D-021 a full without its log is shown as such and restores with the log of the pool', async () => {
    await run('backup', '--type', 'log', ...where, '--archive-retention', 'keep');
    const wanted = await contents();
    const { setId } = await run('backup', '--type', 'full', ...where, '--without-log', '--archive-retention', 'keep');
    expect(await platform.done(['set', 'show', setId ?? ''])).toMatchObject({ summary: { isConsistent: false } });
    const to = join(folder.path, 'without-log');
    const restore = ['restore', 'run', '--resource', 'erp', '--immediate', '--set', setId ?? '', '--to', to];
    expect(await platform.refused(3, [...restore, '--wait'])).toMatchObject({ code: 'set_log_missing' });
    await run('backup', '--type', 'log', ...where, '--archive-retention', 'keep');
    const { socket, port } = copyShape.parse(await run(...restore)).outcome.result;
    const restored = await connectKingbase({ socket, port, user: kingbase.user, database });
    const { rows } = await restored.query(
      `select count(*)::int as rows, md5(string_agg(t::text, e'\\n' order by id)) as hash from ledger t`,
    );
    await restored.end();
    await stopServerIn(to);
    expect(rows).toEqual(wanted);
  });

  test('K-092 K-105 D-047 a drill of it finds the last canary and static rows, and leaves nothing', async () => {
    await platform.done(['canary', 'enable', 'erp', '--database', database, '--static', 'public.ledger']);
    await run('backup', '--type', 'log', ...where, '--archive-retention', 'keep');
    const wanted = await contents();
    const [{ rows }] = z.tuple([z.looseObject({ rows: z.number() })]).parse(wanted);
    const sql = ['--sql', `rows=${database}:${String(rows)}:select count(*) from ledger`];
    const { id } = await run('drill', 'run', ...where, ...sql);
    const { report } = drillShape.parse(await platform.done(['drill', 'show', id]));
    expect(report).toMatchObject({ isPassed: true, engine: 'kingbase-v9' });
    const verdicts = Object.fromEntries(report.checks.map(({ name, verdict }) => [name, verdict]));
    const looked = ['opens', 'identity', 'reached', 'apart', 'canary', 'static-tables', 'sql: rows'];
    expect(verdicts).toMatchObject(Object.fromEntries(looked.map((name) => [name, 'passed'])));
    expect(readdirSync(join(platform.stack.places.agentHome, 'scratch'))).toEqual([]);
    // A canary is about the drilled instance: the source serves, and keeps what it had.
    expect(await contents()).toEqual(wanted);
  });
});
