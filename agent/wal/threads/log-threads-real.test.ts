import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatReferenceLines } from '#core/changed/reference-lines.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { bug } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import { checkSegment } from '#core/wal/check-segment.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { newLogMemory, openLogMemory } from '#agent/wasm/log-memory.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';
import { openPostgres } from '#tests/support/postgres.ts';
import { AskedThread } from './asked.ts';
import { openInlineLog } from './inline-log.ts';
import type { SealSettings, ToScan, ToSeal } from './log-message.ts';
import type { LogPipeline } from './log-pipeline.ts';
import { openLogPipeline } from './log-threads.ts';

const pool = { id: formatId('pool', 0, new Uint8Array(10)) };
const mib = 1024 * 1024;
let folder: Folder;
let systemId = '';
const names: SegmentName[] = [];
const fileOf = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = openFolder('hf-real-log-');
  const server = await openPostgres({ major: 15, segmentMiB: 1 });
  await server.sql('CREATE TABLE t AS SELECT g AS id, md5(g::text) AS v FROM generate_series(1, 150000) g');
  systemId = String((await server.sql('SELECT system_identifier::text AS id FROM pg_control_system()'))[0]?.['id']);
  const log = join(server.dataDirectory, 'pg_wal');
  names.push(...readdirSync(log).filter(isSegmentName).sort().slice(1, 7));
  for (const name of names) writeFileSync(fileOf(name), readFileSync(join(log, name)));
  await server.close();
});

afterAll(() => {
  folder.remove();
});

/** What a pipeline makes of every segment, errors included. */
async function outcomesOf(pipeline: LogPipeline): Promise<readonly unknown[]> {
  const outcomes: unknown[] = [];
  for (const name of names) {
    const held = await pipeline.read(fileOf(name));
    if (held === undefined) throw bug('the file is gone');
    const { reading, references } = await pipeline.check(held);
    const { recordsFrom: from, recordsTo: to } = reading ?? bugOf('no log');
    const lines = [...formatReferenceLines({ from, to, references })];
    outcomes.push({ reading, lines, error: errorOf(name, held.fileBytes, reading) });
    pipeline.release(held);
  }
  await pipeline.close();
  return outcomes;
}

const bugOf = (what: string): never => {
  throw bug(what);
};

function errorOf(name: SegmentName, bytes: number, reading: Parameters<typeof checkSegment>[1]): unknown {
  try {
    checkSegment({ name, file: name, systemId, bytes, history: [] }, reading);
    return undefined;
  } catch (error) {
    return error instanceof HoldfastError ? { code: error.code, params: error.params } : error;
  }
}

const openThreads = (): LogPipeline =>
  openLogPipeline({ pool, level: 3, channels: 2, isPutAtOnce: true, sizes: names.map(() => mib) });

test('K-049 threads say of real log what is said without them, also of records across segments and of one flipped bit', async () => {
  expect(names).toHaveLength(6);
  // Second word of a page header, bit 0: the page begins with the rest of a record.
  const continued = names.filter((name) => ((readFileSync(fileOf(name))[2] ?? 0) & 1) === 1);
  expect(continued.length).toBeGreaterThan(0);
  const whole = await outcomesOf(openInlineLog({ pool, level: 3 }));
  expect(whole).toEqual(names.map((): unknown => expect.objectContaining({ error: undefined })));
  const threads = openThreads();
  expect(threads.ahead).toBeGreaterThan(0);
  expect(await outcomesOf(threads)).toEqual(whole);
  const third = fileOf(names[2] ?? '');
  const bytes = readFileSync(third);
  bytes[500_000] = (bytes[500_000] ?? 0) ^ 1;
  writeFileSync(third, bytes);
  const damaged = await outcomesOf(openInlineLog({ pool, level: 3 }));
  expect(damaged[2]).toMatchObject({ error: { code: 'log_damaged' } });
  expect(await outcomesOf(openThreads())).toEqual(damaged);
});

test('a question that a thread cannot answer fails as what it is, and the thread answers the next one', async () => {
  const memory = openLogMemory(2, mib);
  const scan = new AskedThread<ToScan, unknown>('scan-thread', memory);
  const settings: SealSettings = {
    shared: {
      memory: openLogMemory(2, mib, newLogMemory(4 * mib)),
      sealed: new SharedArrayBuffer(100),
      sealedBytes: 50,
    },
    ...{ pool, level: 3 },
  };
  const seal = new AskedThread<ToSeal, unknown>('seal-thread', settings);
  const log = { systemId, branchId: 'b'.repeat(32), name: 'x' };
  const wrong = [scan.ask({ kind: 'hash', slot: 99, bytes: 10 }), seal.ask({ slot: 0, bytes: mib, log })];
  const right = scan.ask({ kind: 'hash', slot: 0, bytes: 10 });
  for (const each of await Promise.allSettled(wrong))
    expect(each).toMatchObject({ status: 'rejected', reason: { code: 'bug', isRetryable: false } });
  expect(await right).toMatch(/^[0-9a-f]{64}$/);
  await Promise.all([scan.close(), seal.close()]);
});

test('a directory in the place of a file is the same error with threads and without them', async () => {
  const threads = openThreads();
  for (const pipeline of [openInlineLog({ pool, level: 3 }), threads])
    await expect((async () => pipeline.read(folder.path))()).rejects.toMatchObject({
      code: 'archive_directory_unreadable',
      params: { directory: folder.path },
    });
  await threads.close();
});
