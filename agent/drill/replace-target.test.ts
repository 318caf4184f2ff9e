import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeMarker } from '#agent/datadir/writer-marker.ts';
import { writeDrillMark } from '#agent/datadir/writer-drill-mark.ts';
import { asideOf } from '#agent/datadir/writer-aside.ts';
import { bug, fail } from '#core/errors/fail.ts';
import { formatId } from '#core/id.ts';
import { giveTargetBack } from './replace-target.ts';
import type { TargetNote } from './target-note.ts';
import { begunTargets, noteTelling, writeNote } from './target-note.ts';

const runId = formatId('run', 0, new Uint8Array(10));
const mark = { resourceId: formatId('res', 0, new Uint8Array(10)), token: 'consented' };
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let home: string;
let folder: string;
let data: string;
let spaces: string;

/** Nothing was told: there is nothing to ask. */
const unasked = { closeReport: () => Promise.reject(bug('the report is not asked for')) };

const make = (path: string, name: string): void => {
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, name), name);
};
const note = (isTold: boolean, more: Pick<TargetNote, 'isTelling'> = {}): Promise<void> =>
  writeNote(home, runId, { directory: data, mark, afterwards: 'close', isTold, ...more });

beforeEach(() => {
  [home, folder] = [mkdtempSync(join(tmpdir(), 'hf-home-')), mkdtempSync(join(tmpdir(), 'hf-target-'))];
  [data, spaces] = [join(folder, 'data'), join(folder, 'data.drill-tablespaces')];
  make(data, 'old');
  make(spaces, '16385');
  writeDrillMark(data, mark, owner);
  renameSync(data, asideOf(data, runId));
  renameSync(spaces, asideOf(spaces, runId));
});
afterEach(() => {
  for (const path of [home, folder]) rmSync(path, { recursive: true, force: true });
});

test('K-092 a killed return of the place goes on wherever it was, and takes nothing of the marked instance', async () => {
  await note(false);
  // Killed while it removed what the drill had written: the mark of that went first.
  make(`${data}.gone-${runId}`, 'half removed');
  // Killed after the tablespaces came back, before the data directory did.
  renameSync(asideOf(spaces, runId), spaces);
  await giveTargetBack(home, runId, unasked);
  expect(readdirSync(folder).sort()).toEqual(['data', 'data.drill-tablespaces']);
  expect([existsSync(join(data, 'old')), existsSync(join(spaces, '16385'))]).toEqual([true, true]);
  expect(begunTargets(home)).toEqual([]);
});

test('K-092 what a drill wrote and nobody knows is refused, and the marked instance stays aside', async () => {
  await note(false);
  make(data, 'of somebody');
  await expect(giveTargetBack(home, runId, unasked)).rejects.toMatchObject({ code: 'target_not_empty' });
  expect(existsSync(join(asideOf(data, runId), 'old'))).toBe(true);
});

test('K-092 a killed removal of what was replaced goes on without the mark that it lost', async () => {
  await note(true);
  make(data, 'restored');
  renameSync(asideOf(data, runId), `${data}.gone-${runId}`);
  unlinkSync(join(`${data}.gone-${runId}`, '.holdfast-drill-target'));
  await giveTargetBack(home, runId, unasked);
  expect(readdirSync(folder)).toEqual(['data']);
  expect(existsSync(join(data, 'restored'))).toBe(true);
  expect(begunTargets(home)).toEqual([]);
});

test('K-092 killed while it told its report, a drill gives the place back only when the report is stored nowhere', async () => {
  await note(false);
  make(data, 'restored');
  writeMarker(data, runId, owner);
  await noteTelling(home, runId);
  const away = { closeReport: () => Promise.reject(fail('api_unreachable', { url: 'x' })) };
  await expect(giveTargetBack(home, runId, away)).rejects.toMatchObject({ code: 'api_unreachable' });
  expect([existsSync(join(data, 'restored')), existsSync(join(asideOf(data, runId), 'old'))]).toEqual([true, true]);
  await giveTargetBack(home, runId, { closeReport: () => Promise.resolve(true) });
  expect(readdirSync(folder)).toEqual(['data']);
  expect([existsSync(join(data, 'restored')), existsSync(join(data, 'old'))]).toEqual([true, false]);
  expect(begunTargets(home)).toEqual([]);
});

test('K-092 a drill whose report was not stored gives the place back, although it may have been about to tell it', async () => {
  await note(false, { isTelling: true });
  make(data, 'restored');
  writeMarker(data, runId, owner);
  await giveTargetBack(home, runId, { closeReport: () => Promise.resolve(false) });
  expect([existsSync(join(data, 'restored')), existsSync(join(data, 'old'))]).toEqual([false, true]);
  expect(readdirSync(folder).sort()).toEqual(['data', 'data.drill-tablespaces']);
});

/** Another instance, below a directory. */
const other = (below: string): string => {
  const nested = join(below, 'deep', 'other');
  make(nested, 'PG_VERSION');
  make(join(nested, 'global'), 'pg_control');
  return nested;
};

test('K-092 K-105 what was replaced stays aside as long as another instance lies in it, and the refusal names it', async () => {
  await note(true);
  make(data, 'restored');
  for (const below of [asideOf(data, runId), asideOf(spaces, runId)]) {
    const nested = other(below);
    await expect(giveTargetBack(home, runId, unasked)).rejects.toMatchObject({
      ...{ code: 'holds_foreign', params: { directory: below, found: `a data directory in ${nested}` } },
    });
    expect(existsSync(join(nested, 'global', 'pg_control'))).toBe(true);
    expect(readdirSync(asideOf(data, runId))).toContain('old');
    rmSync(join(below, 'deep'), { recursive: true });
  }
  await giveTargetBack(home, runId, unasked);
  expect(readdirSync(folder)).toEqual(['data']);
});

test('K-092 K-105 a removal that was killed does not go on over another instance', async () => {
  await note(true);
  make(data, 'restored');
  const gone = `${data}.gone-${runId}`;
  renameSync(asideOf(data, runId), gone);
  const nested = other(gone);
  await expect(giveTargetBack(home, runId, unasked)).rejects.toMatchObject({ code: 'holds_foreign' });
  expect([existsSync(join(nested, 'PG_VERSION')), begunTargets(home)]).toEqual([true, [runId]]);
});

test('K-092 K-105 what a drill restored is not removed while another instance lies in it', async () => {
  await note(false);
  make(data, 'restored');
  make(spaces, 'restored');
  writeMarker(data, runId, owner);
  for (const below of [data, spaces]) {
    const nested = other(below);
    await expect(giveTargetBack(home, runId, unasked)).rejects.toMatchObject({ code: 'holds_foreign' });
    expect(existsSync(join(nested, 'PG_VERSION'))).toBe(true);
    expect(existsSync(join(asideOf(data, runId), 'old'))).toBe(true);
    rmSync(join(below, 'deep'), { recursive: true });
  }
  await giveTargetBack(home, runId, unasked);
  expect(existsSync(join(data, 'old'))).toBe(true);
});
