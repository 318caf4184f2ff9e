import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isLeft } from '#agent/datadir/writer-left.ts';
import { writeMarker } from '#agent/datadir/writer-marker.ts';
import { formatId } from '#core/id.ts';
import { begunRestores, undoRestore } from './undo-restore.ts';
import { openRestoreJournal } from '#agent/restore/journal.ts';

const runId = formatId('run', 0, new Uint8Array(10));
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let folder: string;
let data: string;
let space: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-undo-'));
  [data, space] = [join(folder, 'copy'), join(folder, 'space')];
  for (const place of [data, space]) {
    mkdirSync(join(place, 'base', '5'), { recursive: true });
    writeFileSync(join(place, 'base', '5', '1259'), 'half a relation');
    writeMarker(place, runId, owner);
  }
  writeFileSync(join(folder, 'precious'), 'mine');
  symlinkSync(folder, join(data, 'link'));
  openRestoreJournal(folder, runId).begin([data, space]);
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a copy that was cancelled while its agent was away leaves nothing in its places, and links are not followed', async () => {
  await undoRestore(folder, runId);
  expect([readdirSync(data), readdirSync(space)]).toEqual([[], []]);
  expect(existsSync(join(folder, 'precious'))).toBe(true);
  expect(begunRestores(folder)).toEqual([]);
});

test('a copy whose recovery had begun stays to be looked at', async () => {
  mkdirSync(join(data, 'global'));
  writeFileSync(join(data, 'global', 'pg_control'), 'control');
  await undoRestore(folder, runId);
  expect(readdirSync(data).sort()).toEqual(['.holdfast-restore', 'base', 'global', 'link']);
  expect(readdirSync(space)).toContain('base');
});

test('K-098 what a delta restore wrote over half way has no control file, and the next delta may take it', async () => {
  mkdirSync(join(data, 'global'));
  writeFileSync(join(data, 'global', 'pg_control'), 'control');
  openRestoreJournal(folder, runId).overwrite([space]);
  expect(isLeft(data)).toBe(false);
  await undoRestore(folder, runId);
  expect([isLeft(data), existsSync(join(data, 'global', 'pg_control'))]).toEqual([true, false]);
  expect(readdirSync(data)).not.toContain('.holdfast-restore');
});

test('a place that another run marked meanwhile is not touched', async () => {
  writeMarker(data, formatId('run', 1, new Uint8Array(10)), owner);
  await undoRestore(folder, runId);
  expect(readdirSync(data)).toContain('base');
});

test('K-105 what a restore had half written is not cleaned up while another instance lies in it', async () => {
  const nested = join(data, 'deep', 'other');
  mkdirSync(join(nested, 'global'), { recursive: true });
  for (const name of ['PG_VERSION', 'global/pg_control']) writeFileSync(join(nested, name), 'of somebody');
  const refused = { code: 'holds_foreign', params: { directory: data, found: `a data directory in ${nested}` } };
  await expect(undoRestore(folder, runId)).rejects.toMatchObject(refused);
  expect([existsSync(join(nested, 'PG_VERSION')), begunRestores(folder)]).toEqual([true, [runId]]);
  rmSync(join(data, 'deep'), { recursive: true });
  await undoRestore(folder, runId);
  expect(readdirSync(data)).toEqual([]);
});
