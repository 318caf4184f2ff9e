import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { postgresql } from '#core/engine/postgresql.ts';
import { prepareTarget } from './writer.ts';
import type { TargetRequest } from './writer.ts';
import { moveAside, putBack } from './writer-aside.ts';
import { openPageMemory } from '#agent/wasm/page-memory.ts';
import { FileWriter } from './writer-files.ts';

let folder: string;
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const thrown = (code: string): Error => expect.objectContaining({ code }) as Error;
const request = (changes: Partial<TargetRequest> = {}): TargetRequest => ({
  directory: join(folder, 'data'),
  files: postgresql.files,
  tablespaces: {},
  runId: 'run_1',
  owner,
  bytes: {},
  ...changes,
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hf-writer-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('a restore target', () => {
  test('too little space is refused before anything is written', () => {
    expect(() => prepareTarget(request({ bytes: { '': 2 ** 60 } }))).toThrow(thrown('space_too_little'));
    expect(readdirSync(folder)).toEqual([]);
  });
  test('a pid file is evidence of a server even when its process is not visible', () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(join(folder, 'data', 'postmaster.pid'), '999999999\n/data\n1\n5432\n/tmp\n');
    expect(() => prepareTarget(request())).toThrow(thrown('target_running'));
  });
  test('a tablespace directory that is not empty is refused, and the data directory is not begun', () => {
    mkdirSync(join(folder, 'space'));
    writeFileSync(join(folder, 'space', 'precious'), 'mine');
    expect(() => prepareTarget(request({ tablespaces: { 16384: join(folder, 'space') } }))).toThrow(
      thrown('target_not_empty'),
    );
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });
  test('places that a link leads into each other are refused', () => {
    mkdirSync(join(folder, 'data'));
    symlinkSync(join(folder, 'data'), join(folder, 'elsewhere'));
    expect(() => prepareTarget(request({ tablespaces: { 16384: join(folder, 'elsewhere', 'in') } }))).toThrow(
      thrown('target_path_bad'),
    );
  });
  test.each(['../outside', '/etc/passwd', 'base/../../x', 'base//1', './x', 'pg_tblspc/99999/PG_15/1', 'a\\b'])(
    'a member named %s is never written',
    (member) => {
      const target = prepareTarget(request());
      expect(() => target.pathOf(member)).toThrow(thrown('target_escapes'));
    },
  );
  test('a link planted in the place of a directory or a file is not followed', () => {
    const target = prepareTarget(request());
    mkdirSync(join(folder, 'outside'));
    symlinkSync(join(folder, 'outside'), join(target.directory, 'base'));
    symlinkSync(join(folder, 'outside', 'file'), join(target.directory, 'link'));
    expect(() => {
      target.makeDirectory(join(target.directory, 'base'));
    }).toThrow(thrown('target_escapes'));
    expect(() => {
      new FileWriter(owner).write(join(target.directory, 'link'), 0, Buffer.from('x'));
    }).toThrow(thrown('target_unwritable'));
    expect(readdirSync(join(folder, 'outside'))).toEqual([]);
  });
  test('large files reach the disk while others are written, and every byte is there in the end', async () => {
    const writer = new FileWriter(owner);
    const bytes = Buffer.alloc(5 * 1_048_576, 'holdfast ');
    const paths = Array.from({ length: 60 }, (_, i) => join(folder, `file-${String(i)}`));
    const flushes = paths.map((path, i) => {
      writer.write(path, 0, i % 20 === 0 ? bytes : bytes.subarray(0, 100));
      return writer.flush();
    });
    await writer.end(
      paths
        .slice(0, 30)
        .map((path, i) => ({ path, sizeBytes: i % 20 === 0 ? bytes.length : 100, mode: 0o600, mtimeMs: 1000 })),
    );
    await Promise.all(flushes);
    writer.closeAll();
    expect(paths.map((path) => readFileSync(path).equals(bytes.subarray(0, readFileSync(path).length)))).toEqual(
      paths.map(() => true),
    );
    expect(readFileSync(paths[20] ?? '').length).toBe(bytes.length);
  });
  test.each([
    ['aligned memory', true, 1_048_576],
    ['memory that the disk refuses', false, 1_048_576],
    ['an odd length', true, 1_048_000],
  ])('bytes written past the page cache are all there: %s', async (_, isAligned, length) => {
    const writer = new FileWriter(owner);
    const memory = openPageMemory(8192).bytes;
    memory.forEach((_byte, i) => (memory[i] = (i * 7) % 251));
    const bytes = isAligned ? memory.subarray(0, length) : Buffer.from(memory);
    const path = join(folder, 'large');
    await Promise.all([writer.writeAligned(path, 1_048_576, bytes), writer.writeAligned(path, 0, bytes)]);
    writer.write(path, 2_097_152, Buffer.from('tail'));
    await writer.end([{ path, sizeBytes: 2_097_156, mode: 0o600, mtimeMs: 1000 }]);
    const found = readFileSync(path);
    expect(
      [found.subarray(0, length), found.subarray(1_048_576, 1_048_576 + length)].map((part) => part.equals(bytes)),
    ).toEqual([true, true]);
    expect(found.subarray(2_097_152).toString()).toBe('tail');
  });
  test('the same run continues in its own target, nobody else does', () => {
    prepareTarget(request());
    expect(prepareTarget(request()).isResumed).toBe(true);
    expect(() => prepareTarget(request({ runId: 'run_2' }))).toThrow(thrown('target_of_other_run'));
  });
  test('the control file comes last and only through finish', async () => {
    const target = prepareTarget(request());
    expect(() => {
      target.writeFile('global/pg_control', 'x');
    }).toThrow(thrown('target_escapes'));
    target.writeFile('PG_VERSION', '15\n');
    await target.finish(Buffer.from('control'));
    target.release();
    expect(readFileSync(join(target.directory, 'global', 'pg_control'), 'utf8')).toBe('control');
    expect(readdirSync(target.directory).sort()).toEqual(['PG_VERSION', 'global']);
  });
  test('a discarded target is empty and free again', async () => {
    const target = prepareTarget(request());
    target.writeFile('base/1/2', 'x');
    await target.finish(Buffer.from('control'));
    target.discard();
    expect(readdirSync(target.directory)).toEqual([]);
  });
});

describe('an old directory', () => {
  test('moves aside once and comes back as it was', () => {
    const path = join(folder, 'data');
    mkdirSync(path);
    writeFileSync(join(path, 'old'), '1');
    moveAside(path, 'run_1');
    mkdirSync(path);
    moveAside(path, 'run_1');
    expect(readdirSync(join(folder, 'data.before-run_1'))).toEqual(['old']);
    putBack(path, 'run_1', { isKept: true });
    expect(readdirSync(path)).toEqual(['old']);
    expect(readdirSync(folder)).toEqual(['data']);
  });
});
