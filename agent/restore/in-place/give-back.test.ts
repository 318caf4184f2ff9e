import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { moveAside } from '#agent/datadir/writer-aside.ts';
import { markerName } from '#agent/datadir/writer-marker.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import { formatId } from '#core/id.ts';
import { giveBack } from './give-back.ts';
import { openRestoreJournal } from '#agent/restore/journal.ts';

const runId = formatId('run', 0, new Uint8Array(10));
let folder: string;
let space: string;
let data: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-give-back-'));
  [space, data] = [join(folder, 'space'), join(folder, 'data')];
  for (const path of [space, data]) {
    mkdirSync(path);
    writeFileSync(join(path, 'old'), '1');
  }
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('a move that broke off is undone from the journal by another process', () => {
  openRestoreJournal(folder, runId).moveAside([space, data]);
  moveAside(space, runId);
  const journal = openRestoreJournal(folder, runId);
  giveBack(journal, runId);
  expect([readdirSync(space), readdirSync(data)]).toEqual([['old'], ['old']]);
  expect(journal.movedAside()).toBeUndefined();
});

test('one place that is taken by somebody else keeps its files, does not keep the others, and is named', () => {
  const journal = openRestoreJournal(folder, runId);
  journal.moveAside([space, data]);
  for (const path of [space, data]) moveAside(path, runId);
  mkdirSync(data);
  writeFileSync(join(data, 'precious'), 'mine');
  const cause = new TypeError('the pool went away');
  expect(() => {
    giveBack(journal, runId, cause);
  }).toThrow(
    expect.objectContaining({
      code: 'not_put_back',
      cause,
      message: expect.stringContaining(`${data}.before-${runId}`) as string,
    }) as Error,
  );
  expect([readdirSync(space), readdirSync(data)]).toEqual([['old'], ['precious']]);
  expect(journal.movedAside()).toEqual([space, data]);
});

test('what was only half written goes, what a server may have run on is kept beside', () => {
  for (const hasControl of [false, true]) {
    const journal = openRestoreJournal(folder, runId);
    journal.moveAside([space, data]);
    for (const path of [space, data]) {
      moveAside(path, runId);
      mkdirSync(path);
      writeFileSync(join(path, markerName), `${runId}\n`);
      writeFileSync(join(path, 'new'), '2');
    }
    mkdirSync(join(data, 'global'));
    if (hasControl) writeFileSync(join(data, 'global', 'pg_control'), '');
    giveBack(journal, runId);
    expect([readdirSync(space), readdirSync(data)]).toEqual([['old'], ['old']]);
    const failed = readdirSync(folder).filter((name) => name.includes('.failed-'));
    expect(failed).toEqual(hasControl ? [`data.failed-${runId}`, `space.failed-${runId}`] : []);
  }
});

test('a link means the same place before and after its directory was moved away', () => {
  const link = join(folder, 'link');
  symlinkSync(data, link);
  const before = canonicalPath(link);
  moveAside(before, runId);
  expect(canonicalPath(link)).toBe(before);
});
