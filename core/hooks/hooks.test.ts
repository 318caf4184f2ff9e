import { expect, test } from 'vitest';
import { hooksShape } from '../settings/hooks.ts';
import { hookEnvironment } from './hook-environment.ts';
import type { Hook, HookFacts } from './hook.ts';
import { planOfHooks } from './hook.ts';
import { judgeHook } from './judge-hook.ts';
import { outputLines } from './output-lines.ts';
import { parseId } from '../id.ts';

const hook = (policy: 'fail' | 'warn'): Hook => ({ script: 'x.sh', args: [], timeoutSeconds: 7, onFailure: policy });
const exited = (exitCode: number) => ({ kind: 'exited' as const, exitCode });

test('K-087 a precondition skips its run with exit status 1 alone, whatever its policy', () => {
  for (const policy of ['fail', 'warn'] as const) {
    expect(judgeHook('precondition', hook(policy), exited(0))).toEqual({ verdict: 'go', warnings: [] });
    expect(judgeHook('precondition', hook(policy), exited(1))).toMatchObject({
      verdict: 'skip',
      because: { code: 'precondition_false' },
    });
    expect(judgeHook('before', hook(policy), exited(1)).verdict).not.toBe('skip');
  }
});

test('K-087 K-088 every other end of a script fails the run or warns, by its policy', () => {
  const ends = [
    [exited(2), 'script_failed'],
    [exited(137), 'script_failed'],
    [{ kind: 'timed-out' }, 'script_timed_out'],
    [{ kind: 'interrupted' }, 'script_interrupted'],
  ] as const;
  for (const name of ['precondition', 'before', 'after'] as const)
    for (const [end, code] of ends) {
      expect(judgeHook(name, hook('fail'), end)).toMatchObject({ verdict: 'fail', because: { code } });
      expect(judgeHook(name, hook('warn'), end)).toMatchObject({ verdict: 'go', warnings: [{ code }] });
    }
});

const facts: HookFacts = {
  runId: parseId('run', `run_${'1'.repeat(32)}`),
  hostId: parseId('host', `host_${'2'.repeat(32)}`),
  jobId: parseId('job', `job_${'3'.repeat(32)}`),
  ...{ jobName: '每日备份\0', kind: 'full-backup', resource: 'orders' },
};

test('K-088 a script hears who it works for and, after the run, how that ended; nothing else', () => {
  const env = hookEnvironment('after', facts, { state: 'failed', code: 'pool_lost' });
  expect(env).toEqual({
    ...{ LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', HOLDFAST_HOOK: 'after' },
    ...{ HOLDFAST_RUN_ID: facts.runId, HOLDFAST_RUN_KIND: 'full-backup', HOLDFAST_HOST_ID: facts.hostId },
    ...{ HOLDFAST_JOB_ID: facts.jobId, HOLDFAST_JOB_NAME: '每日备份', HOLDFAST_RESOURCE: 'orders' },
    ...{ HOLDFAST_OUTCOME: 'failed', HOLDFAST_OUTCOME_CODE: 'pool_lost' },
  });
  expect(Object.keys(hookEnvironment('before', facts))).not.toContain('HOLDFAST_OUTCOME');
});

test('the log of a run takes at most 200 lines of a script, none long, none with control characters', () => {
  const many = outputLines({
    head: `${Array.from({ length: 999 }, (_, i) => i).join('\n')}\n`,
    tail: '',
    droppedBytes: 0,
  });
  expect(many).toHaveLength(201);
  expect([many[0], many[99], many[100], many[101], many[200]]).toEqual([
    '0',
    '99',
    '… 799 lines left out …',
    '899',
    '998',
  ]);
  const cut = outputLines({ head: 'a\nb', tail: 'y\nz\n', droppedBytes: 5 });
  expect(cut).toEqual(['a', 'b', '… 5 bytes of output left out …', 'y', 'z']);
  const [odd] = outputLines({ head: `\u0000\u001b[31m${'x'.repeat(5000)}`, tail: '', droppedBytes: 0 });
  expect(odd).toMatch(/^\ufffd\ufffd\[31mx+…$/);
  expect(odd).toHaveLength(2001);
  expect(outputLines({ head: '', tail: '', droppedBytes: 0 })).toEqual([]);
});

test('K-087 a job names scripts by a path that stays below, with a time of 1 s to a day', () => {
  const parsed = hooksShape.parse({ before: { script: 'a.sh' }, after: { script: 'b/c.sh', args: ['x y'] } });
  expect(parsed).toEqual({
    before: { script: 'a.sh', args: [], timeoutSeconds: 300, onFailure: 'fail' },
    after: { script: 'b/c.sh', args: ['x y'], timeoutSeconds: 300, onFailure: 'warn' },
  });
  expect(planOfHooks(parsed)).toEqual({
    before: { timeoutSeconds: 300, onFailure: 'fail' },
    after: { timeoutSeconds: 300, onFailure: 'warn' },
  });
  expect([planOfHooks({}), planOfHooks(undefined)]).toEqual([undefined, undefined]);
  for (const bad of [
    ...['', '../a', 'a/../../b', 'a\0b'].map((script) => ({ script })),
    ...[0, 86_401, 1.5].map((timeoutSeconds) => ({ script: 'a', timeoutSeconds })),
    { script: 'a', onFailure: 'ignore' },
    { script: 'a', args: ['x\0'] },
  ])
    expect(hooksShape.safeParse({ before: bad }).success).toBe(false);
});
