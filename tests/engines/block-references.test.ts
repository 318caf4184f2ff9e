import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { BlockReferences } from '#core/changed/block-references.ts';
import type { BlockReference, BlockSink } from '#core/wal/block-sink.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import type { SegmentReading } from '#core/wal/segment-reading.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { isSegmentName, segmentOf } from '#core/wal/segment-name.ts';
import { provideClientTools } from '#scripts/servers/postgres.mjs';
import { beginMixedLoad, goOnWithMixedLoad, quietSettings } from '#tests/support/mixed-load.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { runToolAnyway } from '#tests/support/run-tool.ts';

const open = async (major: Major, config: readonly string[] = []): Promise<Postgres> => {
  const server = await openPostgres({ major, config: [...quietSettings, ...config] });
  onTestFinished(() => server.close());
  return server;
};

/** Reads pg_wal from a segment, its first one when not given, to the end of the log. */
function readLog(server: Postgres, sink: BlockSink, first = ''): readonly SegmentReading[] {
  const reader = new LogReader();
  const directory = join(server.dataDirectory, 'pg_wal');
  const readings: SegmentReading[] = [];
  for (const name of readdirSync(directory)
    .filter((name) => isSegmentName(name) && name >= first)
    .sort()) {
    const reading = reader.read(readFileSync(join(directory, name)), sink);
    if (reading === undefined) break;
    readings.push(reading);
    if (reading.ending === 'early') break;
  }
  return readings;
}

const forkNames = ['', ' fork fsm', ' fork vm', ' fork init'];

/** Every reference in order, as pg_waldump prints it. */
class Printed implements BlockSink {
  readonly lines: string[] = [];
  readonly unlistedAt: number[] = [];
  block({ tablespace, database, number, fork, block }: BlockReference): void {
    this.lines.push(`${[tablespace, database, number].join('/')}${forkNames[fork] ?? ' fork ?'} blk ${String(block)}`);
  }
  limit(): void {
    // pg_waldump prints it in words of each record.
  }
  database(): void {
    // The same.
  }
  unlisted(at: number): void {
    this.unlistedAt.push(at);
  }
}

/** pg_waldump knows only log of its own major. */
const dumpOf = async (server: Postgres): Promise<string> =>
  server.major === 15
    ? join(server.programs, 'pg_waldump')
    : join(await provideClientTools(server.major === 16 ? 16 : 18), 'pg_waldump');

/** Majors of which there is a pg_waldump. */
const dumped: readonly Major[] = process.env['HOLDFAST_MATRIX'] === '1' ? [15, 16, 18] : [15, 18];

test.each(dumped)(
  'D-038 every block reference of PostgreSQL %i is read exactly as pg_waldump reads it',
  async (major) => {
    const server = await open(major);
    await beginMixedLoad(server);
    await goOnWithMixedLoad(server);
    await server.stop();
    const printed = new Printed();
    const readings = readLog(server, printed);
    expect(printed.unlistedAt).toEqual([]);
    const directory = join(server.dataDirectory, 'pg_wal');
    const [first = ''] = readdirSync(directory).filter(isSegmentName).sort();
    // It ends with an error: behind the last record there is none.
    const text = await runToolAnyway(await dumpOf(server), ['-p', directory, first]);
    const last = readings[readings.length - 1]?.lastRecord ?? '';
    expect(text).toContain(`lsn: ${last.replace(/\/.*/, '')}/${last.replace(/.*\//, '').padStart(8, '0')}`);
    const expected = [...text.matchAll(/blkref #\d+: rel ([^;,\n]*? blk \d+)/g)].map(
      ([, reference]) => reference ?? '',
    );
    expect(expected.length).toBeGreaterThan(10_000);
    expect(printed.lines.length).toBe(expected.length);
    expect(printed.lines.findIndex((line, i) => line !== expected[i])).toBe(-1);
  },
);

interface ServerFork {
  readonly limit: number;
  readonly blocks: readonly number[];
}

/** What the server's own summaries from a point on say, by tablespace/database/relation/fork. */
async function summarized(client: pg.Client, from: string): Promise<ReadonlyMap<string, ServerFork>> {
  const { rows } = await client.query<Record<string, unknown>>(
    `select concat_ws('/', reltablespace, reldatabase, relfilenode, relforknumber) as fork,
            min(relblocknumber) filter (where is_limit_block)::int as limit_block,
            coalesce(array_agg(distinct relblocknumber::int) filter (where not is_limit_block), '{}') as blocks
       from pg_available_wal_summaries() s, lateral pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn)
      where s.start_lsn >= $1::pg_lsn group by 1`,
    [from],
  );
  return new Map(
    rows.map((row) => {
      const blocks = Array.isArray(row['blocks']) ? row['blocks'].map(Number).sort((a, b) => a - b) : [];
      return [
        String(row['fork']),
        { limit: row['limit_block'] === null ? Infinity : Number(row['limit_block']), blocks },
      ];
    }),
  );
}

const forksOf = (references: BlockReferences): ReadonlyMap<string, ServerFork> => {
  const found = new Map<string, ServerFork>();
  for (const { tablespace, database, number, fork, limit, blocks } of references.forks()) {
    const all = blocks.ranges().flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
    found.set([tablespace, database, number, fork].join('/'), { limit, blocks: all });
  }
  for (const { tablespace, database } of references.databases())
    found.set([tablespace, database, 0, 0].join('/'), { limit: 0, blocks: [] });
  return found;
};

/** Ends a summary, and waits until the server has written it; where it ends. */
async function endSummary(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>("SELECT pg_backup_start('x', true)::text AS lsn");
  const lsn = rows[0]?.lsn ?? '';
  const query = 'SELECT max(end_lsn) >= $1::pg_lsn AS is FROM pg_available_wal_summaries()';
  const isWritten = async (): Promise<unknown> => (await client.query<{ is: boolean }>(query, [lsn])).rows[0]?.is;
  await expect.poll(isWritten, { timeout: 30_000 }).toBe(true);
  await client.query('SELECT pg_backup_stop(false)');
  return lsn;
}

test.each<Major>([17, 18])(
  'D-038 the summaries of PostgreSQL %i hold exactly the blocks and limits that our reader finds',
  async (major) => {
    const server = await open(major, ['summarize_wal = on', 'wal_keep_size = 4GB']);
    await beginMixedLoad(server);
    const client = await server.connect();
    onTestFinished(() => client.end());
    await client.query('SELECT pg_switch_wal()');
    const from = await endSummary(client);
    await goOnWithMixedLoad(server);
    await endSummary(client);
    const theirs = await summarized(client, from);
    const references = new BlockReferences();
    readLog(server, references, segmentOf(1, parseLsn(from), 16 << 20));
    const ours = forksOf(references);
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    expect([...theirs.values()].filter(({ limit }) => limit > 0 && limit < Infinity).length).toBeGreaterThan(0);
    for (const [fork, their] of theirs) {
      const our = ours.get(fork);
      const isMap = fork.endsWith('/2');
      // The server forgets blocks behind a limit; of a map it converts the limit, which older minors did wrongly.
      const counted = isMap ? 0 : their.limit;
      expect([fork, isMap ? counted : our?.limit, our?.blocks.filter((block) => block < counted)]).toEqual([
        fork,
        counted,
        their.blocks.filter((block) => block < counted),
      ]);
      expect(their.blocks.filter((block) => our?.blocks.includes(block) !== true)).toEqual([]);
    }
  },
);
