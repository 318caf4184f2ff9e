import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { installArchiveScript } from './archive-script.ts';
import { pushFile } from './push.ts';

const name = '000000010000000000000005';

const place = (megabytes = 1): { source: string; archive: string; target: string; content: Buffer; folder: string } => {
  const folder = openFolder('hf-push-');
  onTestFinished(() => {
    folder.remove();
  });
  const archive = join(folder.path, 'archive');
  mkdirSync(archive);
  const content = randomBytes(megabytes << 20);
  const source = join(folder.path, name);
  writeFileSync(source, content);
  return { source, archive, target: join(archive, name), content, folder: folder.path };
};

const program = (args: readonly string[]): number | null =>
  spawnSync(process.execPath, ['--import', 'tsx', 'agent/wal/archive/archive-main.ts', ...args]).status;

describe('archiving a file', () => {
  test('stores it whole, and again with success when it is there already', () => {
    const { source, target, content, archive } = place();
    expect(pushFile(source, target)).toBe('stored');
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(pushFile(source, target)).toBe('identical');
    expect(readdirSync(archive)).toEqual([name]);
  });

  test('refuses different content under the same name and leaves it as it is', () => {
    const { source, target, archive } = place();
    writeFileSync(target, 'other');
    expect(() => pushFile(source, target)).toThrow(expect.objectContaining({ code: 'archive_differs' }));
    expect(readFileSync(target, 'utf8')).toBe('other');
    expect(readdirSync(archive)).toEqual([name]);
  });

  test('the program says by its exit code how it went', () => {
    const { source, target } = place();
    expect(program([source, target])).toBe(0);
    expect(program([source, target])).toBe(0);
    writeFileSync(source, 'other');
    expect(program([source, target])).toBe(1);
    expect(program([source])).toBe(2);
    expect(program([source, `${target}.exe`])).toBe(2);
    expect(program([`${source}-missing`, `${target}.partial`])).toBe(3);
  });

  test('the program says what it does and how to set it up', () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'agent/wal/archive/archive-main.ts', '--help'],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(0);
    expect(stdout).toContain(`archive_command = 'holdfast wal-archive "%p" "/directory/%f"'`);
    expect(stdout).toContain('Exit codes: 0 archived');
  });

  test('a kill in the middle leaves nothing or the whole file under the name, and the next call succeeds', async () => {
    const { source, target, content, archive } = place(96);
    for (let round = 0; round < 6; round++) {
      const child = spawn(process.execPath, ['--import', 'tsx', 'agent/wal/archive/archive-main.ts', source, target], {
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.on('exit', resolve));
      await seen(archive, round % 2 === 0);
      child.kill('SIGKILL');
      await ended;
      if (existsSync(target)) expect(readFileSync(target).equals(content)).toBe(true);
    }
    expect(program([source, target])).toBe(0);
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(readdirSync(archive)).toEqual([name]);
  });

  test('the shell script keeps the same promises', () => {
    const { source, target, content, archive, folder } = place();
    const script = installArchiveScript(folder, archive);
    const run = (...args: string[]): number | null => spawnSync('sh', [script, ...args]).status;
    writeFileSync(join(archive, `.${name}.77.tmp`), 'left by a killed call');
    expect(run(source, name)).toBe(0);
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(run(source, name)).toBe(0);
    writeFileSync(source, 'other');
    expect(run(source, name)).toBe(1);
    expect(run(source)).toBe(2);
    expect(run(source, '../escape')).toBe(2);
    expect(run(`${source}-missing`, '00000002.history')).toBe(3);
    expect(readdirSync(archive)).toEqual([name]);
    expect(() => installArchiveScript(folder, "/it's")).toThrow(expect.objectContaining({ code: 'value_malformed' }));
  });

  test('the shell script says no success when what it wrote cannot be flushed, also of a file that was there', () => {
    const { source, archive, folder } = place();
    const script = installArchiveScript(folder, archive);
    const sync = 'for one in "$@"; do case $one in *archive*) exit 1 ;; esac; done';
    const broken = toolsIn(folder, { sync });
    const run = (path: string): number | null =>
      spawnSync('/bin/sh', [script, source, name], { env: { PATH: path } }).status;
    expect(run(broken)).toBe(3);
    expect(run(broken)).toBe(3);
    expect(run(process.env['PATH'] ?? '')).toBe(0);
    // A sync that takes no files refuses them all, and is called without one.
    const old = toolsIn(folder, { sync: '[ $# -eq 0 ] || exit 2' });
    expect(run(old)).toBe(0);
  });

  test('the shell script stores on a file system without hard links', () => {
    const { source, archive, target, content, folder } = place();
    const script = installArchiveScript(folder, archive);
    const env = { PATH: toolsIn(folder, { ln: 'exit 1' }) };
    const run = (): number | null => spawnSync('/bin/sh', [script, source, name], { env }).status;
    expect(run()).toBe(0);
    expect(readFileSync(target).equals(content)).toBe(true);
    expect(readdirSync(archive)).toEqual([name]);
    expect(run()).toBe(0);
    writeFileSync(source, 'other');
    expect(run()).toBe(1);
  });
});

/** A PATH on which some tools are ours. */
function toolsIn(folder: string, tools: Readonly<Record<string, string>>): string {
  const place = mkdtempSync(join(folder, 'tools-'));
  for (const [tool, text] of Object.entries(tools))
    writeFileSync(join(place, tool), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return `${place}:${process.env['PATH'] ?? ''}`;
}

/** Waits until a temporary file, or at least anything, is in the directory: the copy has begun. */
const seen = async (directory: string, isEager: boolean): Promise<void> => {
  const until = Date.now() + 10_000;
  while (Date.now() < until) {
    const entries = readdirSync(directory);
    if (entries.some((entry) => isEager || !entry.endsWith('.tmp'))) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
};
