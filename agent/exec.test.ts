import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exec, execScript, startProcess } from './exec.ts';

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('answers exit code and both outputs and passes arguments without a shell', async () => {
  const answer = await exec({
    command: 'sh',
    args: ['-c', 'printf %s "$1"; echo oops >&2; exit 3', 'sh', '$(id) `id` *'],
    timeoutMs: 10_000,
  });
  expect(answer).toEqual({ exitCode: 3, stdout: '$(id) `id` *', stderr: 'oops\n' });
});

test('gives the child its input and nothing of the environment of the agent', async () => {
  process.env['HOLDFAST_PLANTED'] = 'secret';
  const answer = await exec({
    command: 'sh',
    args: ['-c', 'cat; env'],
    input: 'in\n',
    env: { GIVEN: 'yes' },
    timeoutMs: 10_000,
  });
  expect(answer.stdout).toContain('in\n');
  expect(answer.stdout).toContain('GIVEN=yes');
  expect(answer.stdout).not.toContain('HOLDFAST_PLANTED');
});

test('keeps only as much output as asked', async () => {
  const answer = await exec({
    command: 'sh',
    args: ['-c', 'head -c 300000 /dev/zero | tr "\\0" x'],
    timeoutMs: 10_000,
    maxOutputBytes: 1000,
  });
  expect(answer.stdout).toHaveLength(1000);
});

test('ends a program and its children when the time is over', async () => {
  const answer = exec({ command: 'sh', args: ['-c', 'trap "" TERM; sleep 60 & wait; sleep 60'], timeoutMs: 200 });
  await expect(answer).rejects.toMatchObject({ code: 'command_timed_out' });
});

test('ends a program when the step is cancelled', async () => {
  const control = new AbortController();
  const answer = exec({ command: 'sleep', args: ['60'], timeoutMs: 60_000, signal: control.signal });
  control.abort();
  await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
});

test('ends with a script that leaves a process outside of its group, by its exit code and not as timed out', async () => {
  const { signal } = new AbortController();
  const script = {
    command: 'sh',
    args: ['-c', 'setsid sleep 30 & echo left; exit 3'],
    env: {},
    signal,
    keptBytes: 100,
  };
  const answer = await execScript({ ...script, timeoutMs: 20_000 });
  expect(answer).toMatchObject({ exitCode: 3, isTimedOut: false, output: { head: 'left\n' } });
}, 25_000);

test('names a program that cannot be started', async () => {
  await expect(exec({ command: '/nowhere/tool', args: [], timeoutMs: 1000 })).rejects.toMatchObject({
    code: 'command_unusable',
    params: { command: '/nowhere/tool', reason: 'ENOENT' },
  });
  await expect(startProcess({ command: '/nowhere/tool', args: [] })).rejects.toMatchObject({
    code: 'command_unusable',
  });
});

test('writes output into a file, stops a long-lived child and answers its exit code', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hf-exec-'));
  const outputFile = join(directory, 'log');
  const child = await startProcess({
    command: 'sh',
    args: ['-c', 'echo ready; trap "exit 7" INT; while :; do sleep 0.05; done'],
    outputFile,
  });
  await expect.poll(() => readFileSync(outputFile, 'utf8')).toContain('ready');
  expect(isAlive(child.pid)).toBe(true);
  expect(await child.stop('SIGINT', 10_000)).toEqual({ exitCode: 7 });
  expect(isAlive(child.pid)).toBe(false);
  rmSync(directory, { recursive: true });
});

const isRoot = process.getuid?.() === 0;

test('runs a child as the user that is asked for: another one for root, itself for anybody else', async () => {
  const user = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const answer = await exec({ command: 'id', args: ['-u'], user, timeoutMs: 10_000 });
  expect(answer.stdout.trim()).toBe(String(user.uid));
});
