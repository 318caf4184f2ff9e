import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { microsOfInstant } from '#core/instant.ts';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import type { SegmentReading, TransactionEnd } from '#core/wal/segment-reading.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import type { Major, Postgres } from '#tests/support/postgres.ts';
import { openPostgres } from '#tests/support/postgres.ts';

const versions: readonly Major[] = [12, 15, 18];

/** Closes the current segment; the LSN of the end of the log before. */
const switchLog = async (server: Postgres): Promise<string> =>
  String((await server.sql('SELECT pg_switch_wal()::text AS lsn'))[0]?.['lsn']);

const liveSegments = (server: Postgres): string[] =>
  readdirSync(join(server.dataDirectory, 'pg_wal')).filter(isSegmentName).sort();

describe.each(versions)('log of PostgreSQL %i', (major) => {
  let server: Postgres;
  const ends: TransactionEnd[] = [];
  const readings: SegmentReading[] = [];
  let named: { readonly lsn: string; readonly xid: string };
  let prepared: string;

  beforeAll(async () => {
    server = await openPostgres({ major, config: ['max_prepared_transactions = 5', 'wal_compression = on'] });
    await server.sql('CREATE TABLE t AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 300000) g');
    await server.sql('CREATE INDEX ON t (id)');
    await switchLog(server);
    await server.sql("INSERT INTO t SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, 300000) g");
    const client = await server.connect();
    const xid = String((await client.query<{ x: string }>('SELECT txid_current()::text AS x')).rows[0]?.x);
    await client.query('BEGIN');
    prepared = String((await client.query<{ x: string }>('SELECT txid_current()::text AS x')).rows[0]?.x);
    await client.query('CREATE TABLE p (a int); SAVEPOINT s; INSERT INTO p VALUES (1); DROP TABLE t');
    await client.query("PREPARE TRANSACTION 'two'");
    await client.query("COMMIT PREPARED 'two'");
    const lsn = String(
      (await client.query<{ l: string }>("SELECT pg_create_restore_point('vor dem Fehler ä')::text AS l")).rows[0]?.l,
    );
    await client.end();
    named = { lsn, xid };
    await switchLog(server);
    await server.sql('CREATE TABLE q (a int)');
    const reader = new LogReader((end) => ends.push(end));
    for (const name of liveSegments(server)) {
      const reading = reader.read(readFileSync(join(server.dataDirectory, 'pg_wal', name)));
      if (reading === undefined) break;
      readings.push(reading);
      if (reading.ending === 'early') break;
    }
  });

  afterAll(() => server.close());

  test('K-049 every segment but the one in use is valid to its end, full or closed by a switch', () => {
    expect(readings.length).toBeGreaterThan(3);
    expect(readings.slice(0, -1).map((reading) => reading.stop)).toEqual(readings.slice(0, -1).map(() => undefined));
    const endings = new Set(readings.slice(0, -1).map((reading) => reading.ending));
    expect(endings).toEqual(new Set(['full', 'switch']));
    expect(readings.every((reading) => reading.header.major === major)).toBe(true);
  });

  test('the last record found in the segment in use ends where the server writes next', async () => {
    const [row] = await server.sql(
      'SELECT pg_current_wal_insert_lsn()::text AS lsn, system_identifier::text AS id FROM pg_control_system()',
    );
    const last = readings[readings.length - 1];
    expect(last?.ending).toBe('early');
    // Why: the insert position is 8-byte aligned, and background processes write on; never before what was read.
    expect(compareLsn(parseLsn(String(row?.['lsn'])), last?.to ?? parseLsn('0/0'))).toBeGreaterThanOrEqual(0);
    expect(last?.header.systemId).toBe(row?.['id']);
    expect(readings.flatMap((reading) => reading.checkpoints).length).toBeGreaterThan(0);
  });

  test('K-096 restore points are found with name and place', () => {
    const points = readings.flatMap((reading) => reading.restorePoints);
    expect(points.map((point) => point.name)).toEqual(['vor dem Fehler ä']);
    const [point] = points;
    expect(point === undefined ? 1 : compareLsn(point.lsn, parseLsn(named.lsn))).toBeLessThan(0);
  });

  test('commits of plain and of prepared transactions are told with their ids and times', async () => {
    const commits = new Set(ends.filter((end) => end.isCommit).map((end) => String(end.xid)));
    expect(commits.has(named.xid)).toBe(true);
    expect(commits.has(prepared)).toBe(true);
    const [row] = await server.sql('SELECT (extract(epoch FROM now()) * 1000000)::bigint::text AS now');
    const checkpoints = readings.flatMap((reading) => reading.checkpoints).map((each) => microsOfInstant(each.at));
    expect(
      checkpoints.every((at) => Number(row?.['now']) - at < 90 * 86_400_000_000 && at < Number(row?.['now'])),
    ).toBe(true);
    const latest = Math.max(...ends.map((end) => end.atMicros));
    expect(Number(row?.['now']) - latest).toBeGreaterThan(0);
    expect(Number(row?.['now']) - latest).toBeLessThan(60_000_000);
  });
});
