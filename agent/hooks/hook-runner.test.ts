import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HookEnd } from '#core/hooks/hook.ts';
import { hookEnvironment } from '#core/hooks/hook-environment.ts';
import { parseId } from '#core/id.ts';
import type { StepContext } from '#core/ports/step.ts';
import { startProcess } from '#agent/exec.ts';
import { openHookRunner } from './hook-runner.ts';
import { openHookTries } from './hook-tries.ts';

const runId = parseId('run', `run_${'7'.repeat(32)}`);
const env = hookEnvironment('before', {
  ...{ runId, hostId: parseId('host', `host_${'2'.repeat(32)}`), jobId: parseId('job', `job_${'3'.repeat(32)}`) },
  ...{ jobName: 'nightly', kind: 'full-backup' },
});

let home: string;
let lines: string[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'hf-hooks-'));
  mkdirSync(join(home, 'scripts'), { mode: 0o755 });
  lines = [];
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

/** What was killed may still wait for somebody who asks how it ended. */
const isGone = (pid: string): boolean =>
  !existsSync(`/proc/${pid}/stat`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');

const stepWith = (signal: AbortSignal = new AbortController().signal): StepContext => ({
  ...{ runId, signal, report: () => undefined, limits: () => ({}) },
  log: ({ message }) => void lines.push(message),
});

interface Wish {
  readonly args?: readonly string[];
  readonly timeoutSeconds?: number;
  readonly signal?: AbortSignal;
}

async function run(script: string, { args = [], timeoutSeconds = 60, signal }: Wish = {}): Promise<HookEnd> {
  writeFileSync(join(home, 'scripts', 'hook.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const tries = await openHookTries(join(home, 'tries'));
  const runner = openHookRunner({ directory: join(home, 'scripts'), tries });
  const hook = { script: 'hook.sh', args, timeoutSeconds, onFailure: 'fail' as const };
  return runner.run({ name: 'before', hook, env }, stepWith(signal));
}

test('K-087 a script gets its arguments as they are, a clean environment, and its output is in the log', async () => {
  const script = 'echo "$1|$2|$HOLDFAST_RUN_ID|$HOLDFAST_HOOK"; env | grep -c HOME; pwd; echo oops >&2; exit 3';
  expect(await run(script, { args: ['a b', '$(id)'] })).toEqual({ kind: 'exited', exitCode: 3 });
  const said = lines.filter((line) => line.startsWith('before script: ')).map((line) => line.slice(15));
  expect(said.sort()).toEqual(['/', '0', `a b|$(id)|${runId}|before`, 'oops']);
  expect(lines[0]).toBe('before script hook.sh with 2 arguments begins');
  expect(lines[lines.length - 1]).toBe('before script hook.sh ended with exit status 3');
});

test('K-087 a script that hangs is ended with all that it started when its time is over', async () => {
  const child = join(home, 'child');
  expect(
    await run(`sleep 1000 & echo $! > ${child}; trap '' TERM; wait; wait; sleep 1000`, { timeoutSeconds: 1 }),
  ).toEqual({
    kind: 'timed-out',
  });
  await expect.poll(() => isGone(readFileSync(child, 'utf8').trim()), { timeout: 30_000 }).toBe(true);
});

test('K-087 a script that has ended is not waited for because of what it left with its output open', async () => {
  expect(await run('sleep 1000 & echo $!')).toEqual({ kind: 'exited', exitCode: 0 });
  const pid = lines.find((line) => /^before script: \d+$/.test(line))?.slice(15) ?? '';
  await expect.poll(() => isGone(pid), { timeout: 30_000 }).toBe(true);
});

test('K-087 a flood of output costs no memory: its begin and its end are kept', async () => {
  const before = process.memoryUsage().rss;
  expect(await run('echo first; yes 0123456789 | head -c 8000000; echo; echo last')).toEqual({
    kind: 'exited',
    exitCode: 0,
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
  const said = lines.filter((line) => line.startsWith('before script: '));
  expect(said).toHaveLength(201);
  expect([said[0], said[200]]).toEqual(['before script: first', 'before script: last']);
  expect(said[100]).toMatch(/^before script: … 79\d{5} bytes of output left out …$/);
});

test('K-087 a cancel ends the script and is told as such', async () => {
  const abort = new AbortController();
  const running = run('echo here; sleep 1000', { signal: abort.signal });
  const told = expect(running).rejects.toMatchObject({ code: 'cancelled' });
  setTimeout(() => {
    abort.abort(new Error('stop'));
  }, 300);
  await told;
});

test('K-087 a script in which the agent died is run once more after what it left was ended, and never a third time', async () => {
  const tries = await openHookTries(join(home, 'tries'));
  await tries.begin(runId, 'before');
  const left = await startProcess({ command: '/bin/sleep', args: ['1000'], env: { ...env } });
  expect(await run('echo again')).toEqual({ kind: 'exited', exitCode: 0 });
  expect((await left.exited).exitCode).toBe(128 + 9);
  expect(lines[0]).toContain('cut off by a restart of the agent; 1 processes that it left were ended');
  expect(await run('echo never')).toEqual({ kind: 'interrupted' });
  expect(lines).not.toContain('before script: never');
});
