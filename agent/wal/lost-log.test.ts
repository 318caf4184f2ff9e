import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { logBatchKey } from '#core/format/object-key.ts';
import type { BatchSummary } from '#core/log/batch-summary.ts';
import { coverage } from '#core/log/coverage.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import { entryOf } from '#core/wal/check-segment.ts';
import { lsnToNumber } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import { branchIdOf, sha256Hex } from '#agent/codec/hash.ts';
import { earlierPackings, packedAs } from '#agent/codec/zstd.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { keyOfLog, sealLogSegment } from '#agent/sets/seal-log.ts';
import type { LogStage } from '#tests/support/log-stage.ts';
import { archived, newId, stageOn } from '#tests/support/log-stage.ts';
import { BatchWriter } from './batch-writer.ts';
import { readBatches, readBranch } from './committed-log.ts';
import { saveLogTail } from './save-log-tail.ts';

const write = async ({ server }: LogStage): Promise<void> => {
  await server.sql('CREATE TABLE IF NOT EXISTS t (a int)');
  await server.sql('INSERT INTO t SELECT g FROM generate_series(1, 1000) g');
};

const inPool = (stage: LogStage, key: string): string => {
  const place = stage.pools[0]?.place;
  return join(place?.kind === 'local' ? place.directory : '', key);
};

const newestSegment = (stage: LogStage): { readonly name: string; readonly path: string } => {
  const segment = stage.told.flatMap((batch) => batch.segments).slice(-1)[0];
  const branchId = branchIdOf('');
  return {
    name: segment?.name ?? '',
    path: inPool(stage, keyOfLog({ systemId: stage.systemId, branchId, name: segment?.object ?? '' })),
  };
};

const flip = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
};

const batchPath = (stage: LogStage, { systemId, branchId, from, batchId }: BatchSummary): string =>
  inPool(
    stage,
    logBatchKey(systemId, branchId, lsnToNumber(from).toString(16).toUpperCase().padStart(16, '0'), batchId),
  );

/** What a rebuild of the catalog would say of the batches in the pool. */
const problemsOf = async (stage: LogStage): Promise<string[]> => {
  const [access] = stage.pools;
  if (access === undefined) return [];
  const pool = await openPool(access);
  const codes: string[] = [];
  for await (const batch of readBatches(pool, ({ code }) => codes.push(code)))
    expect(batch.systemId).toBe(stage.systemId);
  await pool.close();
  return codes;
};

const codesOf = (report: { readonly warnings: readonly { readonly code: string }[] }): string[] =>
  report.warnings.map(({ code }) => code);

test('K-049 a lost object in the pool never stops the log behind it, and comes back while the archive has its file', async () => {
  const stage = await stageOn();
  await write(stage);
  await stage.backUp();
  const lost = newestSegment(stage);
  const before = readFileSync(lost.path);
  rmSync(lost.path);
  rmSync(join(stage.server.archiveDirectory, lost.name));
  await write(stage);
  expect(codesOf(await stage.backUp())).toEqual(['log_segment_lost']);
  writeFileSync(lost.path, before);
  const again = newestSegment(stage);
  rmSync(again.path);
  await write(stage);
  const report = await stage.backUp();
  expect(codesOf(report)).toEqual(['log_segment_lost']);
  expect(report.warnings[0]?.detail).toContain('put again');
  expect(readFileSync(again.path).length).toBeGreaterThan(0);
  expect(coverage({ sets: [], batches: stage.told }).branches[0]?.gaps).toEqual([]);
});

test('K-049 a lost newest segment comes back from the archive although the job has another level now', async () => {
  const stage = await stageOn();
  const { options } = stage.order();
  await write(stage);
  await stage.backUp({ options: { ...options, compression: { mode: 'level', level: 9 } } });
  const lost = newestSegment(stage);
  const before = readFileSync(lost.path);
  rmSync(lost.path);
  await write(stage);
  const report = await stage.backUp();
  expect(codesOf(report)).toEqual(['log_segment_lost']);
  expect(report.warnings[0]?.detail).toContain('put again');
  expect(readFileSync(lost.path).equals(before)).toBe(true);
});

test('K-049 log of a damaged batch is committed again from the archive, and a rebuild hears of damage and of a removed batch', async () => {
  const stage = await stageOn();
  await write(stage);
  await stage.backUp();
  const [batch] = stage.told.splice(0);
  if (batch === undefined) return expect.fail('no batch was told');
  flip(batchPath(stage, batch), 100);
  await write(stage);
  expect(codesOf(await stage.backUp())).toEqual(['log_batch_unreadable']);
  const names = stage.told.flatMap((each) => each.segments.map(({ name }) => name));
  expect(names).toEqual(expect.arrayContaining(batch.segments.map(({ name }) => name)));
  expect(await problemsOf(stage)).toEqual(['object_damaged']);
  const [removed] = stage.told;
  await write(stage);
  await stage.backUp();
  rmSync(batchPath(stage, removed ?? batch));
  expect(await problemsOf(stage)).toEqual(['object_damaged', 'batch_chain_broken']);
});

test.each(earlierPackings)(
  'K-049 a lost segment that an earlier version sealed comes back as the object that its batch names: %o',
  async (packing) => {
    const stage = await stageOn();
    await write(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
    await expect.poll(() => archived(stage).length, { timeout: 60_000 }).toBeGreaterThan(0);
    const [name] = archived(stage).filter(isSegmentName);
    const [access] = stage.pools;
    if (access === undefined || name === undefined) return expect.fail('the stage has no pool or no log');
    const pool = await openPool(access);
    const branch = { systemId: stage.systemId, timeline: 1, branchId: branchIdOf(''), history: '', fork: undefined };
    const { runId, instance } = stage.order();
    const deps = {
      pool,
      channel: { putBatch: () => Promise.resolve() },
      newId,
      runId,
      resourceId: instance.resourceId,
    };
    const writer = new BatchWriter(deps, branch, await readBranch(pool, branch, 0));
    const bytes = readFileSync(join(stage.server.archiveDirectory, name));
    const reading = new LogReader().read(bytes);
    if (reading === undefined) return expect.fail('the archive has no log');
    const log = { systemId: stage.systemId, branchId: branch.branchId, name };
    const { stored, storedSha256, rawSha256, key } = packedAs(packing, () => sealLogSegment(pool, log, bytes));
    expect(storedSha256).not.toBe(sealLogSegment(pool, log, bytes).storedSha256);
    const sums = { object: name, rawSha256, storedSha256, rawBytes: bytes.length, storedBytes: stored.length };
    const { segmentBytes } = reading.header;
    await writer.add(entryOf(name, reading, sums, reading.from), { segmentBytes, knownUntil: reading.knownUntil });
    await writer.commit();
    await pool.close();
    await write(stage);
    const report = await stage.backUp();
    expect(report.warnings[0]?.detail).toContain('put again');
    expect(sha256Hex(readFileSync(inPool(stage, key)))).toBe(storedSha256);
  },
);

test('a damaged file in pg_wal ends the saved tail with a warning that names it', async () => {
  const stage = await stageOn();
  await write(stage);
  await stage.backUp();
  await stage.server.sql("ALTER SYSTEM SET archive_command = 'false'");
  await stage.server.sql('SELECT pg_reload_conf()');
  for (let i = 0; i < 3; i++) {
    await write(stage);
    await stage.server.sql('SELECT pg_switch_wal()');
  }
  await write(stage);
  await stage.server.kill();
  const logDirectory = join(stage.server.dataDirectory, 'pg_wal');
  const known = new Set<string>(stage.told.flatMap((batch) => batch.segments.map(({ name }) => name)));
  const damaged =
    readdirSync(logDirectory)
      .filter((name) => isSegmentName(name) && !known.has(name))
      .sort()[1] ?? '';
  flip(join(logDirectory, damaged), 8200);
  const [access] = stage.pools;
  if (access === undefined) return expect.fail('the stage has no pool');
  const pool = await openPool(access);
  const { runId, instance } = stage.order();
  const deps = { pool, channel: { putBatch: () => Promise.resolve() }, newId, runId, resourceId: instance.resourceId };
  const saved = await saveLogTail(deps, { logDirectory, systemId: stage.systemId }, stage.step);
  await pool.close();
  expect(codesOf(saved)).toEqual(['log_tail_unsaved']);
  expect(saved.warnings[0]?.detail).toContain(damaged);
});
