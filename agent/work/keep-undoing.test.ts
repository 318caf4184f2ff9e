import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import { formatLsn } from '#core/wal/lsn.ts';
import { moveAside } from '#agent/datadir/writer-aside.ts';
import { markerName, writeMarker } from '#agent/datadir/writer-marker.ts';
import { openRestoreJournal } from '#agent/restore/journal.ts';
import { begunRestores } from '#agent/restore/in-place/undo-restore.ts';
import type { Undoing } from './keep-undoing.ts';
import { undoWhenOver } from './keep-undoing.ts';

const runId = formatId('run', 0, new Uint8Array(10));
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let home: string;
let data: string;

/** What an attempt leaves that was killed while it wrote the new directory. */
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hf-undo-'));
  data = join(home, 'data');
  mkdirSync(data);
  writeFileSync(join(data, 'old'), '1');
  const journal = openRestoreJournal(home, runId);
  journal.begin([data]);
  journal.moveAside([data]);
  moveAside(data, runId);
  mkdirSync(data);
  writeMarker(data, runId, owner);
  writeFileSync(join(data, 'half'), '1');
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const closeReport = (): Promise<boolean> => Promise.resolve(false);
const undoing = (changes: Partial<Undoing> = {}): Undoing & { readonly told: string[] } => {
  const told: string[] = [];
  return {
    home,
    channel: { order: () => Promise.reject(fail('order_refused', { run: runId, host: 'host_1' })), closeReport },
    isLive: () => false,
    everyMs: 1,
    onUndone: () => told.push('undone'),
    onTrouble: () => told.push('trouble'),
    told,
    ...changes,
  };
};

test('a restore in place whose run is over gives the old directory its place back and leaves nothing half written beside it', async () => {
  const work = undoing();
  await undoWhenOver(work, runId);
  expect(work.told).toEqual(['undone']);
  expect(readdirSync(data)).toEqual(['old']);
  expect(readdirSync(home).sort()).toEqual(['data', 'runs']);
  expect(begunRestores(home)).toEqual([]);
});

test('a restore that a job works for, or whose run cannot be asked about, stays as it is', async () => {
  const away = undoing({ channel: { order: () => Promise.reject(new TypeError('the API is away')), closeReport } });
  await undoWhenOver(undoing({ isLive: () => true }), runId);
  await undoWhenOver(away, runId);
  expect(away.told).toEqual(['trouble']);
  expect([readdirSync(data).sort(), begunRestores(home)]).toEqual([[markerName, 'half'], [runId]]);
});

test('a database that was recovered as planned stays and only loses its mark', async () => {
  const report = {
    directory: data,
    timeline: 2,
    reachedLsn: formatLsn(1),
    isOpen: true,
    bytesWritten: 1,
    filesWritten: 1,
    warnings: [],
    secondsByPhase: {},
  };
  openRestoreJournal(home, runId).recover({ report });
  await undoWhenOver(undoing(), runId);
  expect([readdirSync(data), readdirSync(`${data}.before-${runId}`)]).toEqual([['half'], ['old']]);
});
