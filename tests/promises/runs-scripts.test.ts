import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fail } from '#core/errors/fail.ts';
import type { Hook, HookName, Hooks } from '#core/hooks/hook.ts';
import { planOfHooks } from '#core/hooks/hook.ts';
import type { RunOutcome, RunTicket } from '#core/ports/run-book.ts';
import { parseId } from '#core/id.ts';
import type { Folder } from '../support/folder.ts';
import { openFolder } from '../support/folder.ts';
import type { AgentParts, Orchestra, TestAgent } from '../support/orchestra.ts';
import { eventually, newId, noOpOrder, openAgent, openOrchestra, ticketOf } from '../support/orchestra.ts';
import { temporalAddress } from '../support/temporal.ts';

let orchestra: Orchestra;
let folder: Folder;
beforeAll(async () => {
  orchestra = openOrchestra(await temporalAddress());
  folder = openFolder('hf-run-scripts-');
});
afterAll(async () => {
  await orchestra.close();
  folder.remove();
});

/** An agent with a directory of scripts; each script appends its name and outcome to the diary of its run. */
interface Stage {
  readonly agent: TestAgent;
  readonly ticket: RunTicket;
  readonly lines: readonly string[];
  diary(): readonly string[];
  start(): Promise<Awaited<ReturnType<Orchestra['start']>>>;
  end(): Promise<RunOutcome | undefined>;
}

type Wish = { readonly [N in HookName]?: { readonly does?: string } & Partial<Hook> };
const policies = { precondition: 'fail', before: 'fail', after: 'warn' } as const;

async function stage(wish: Wish, parts: Partial<AgentParts> & { readonly seconds?: number } = {}): Promise<Stage> {
  const hostId = newId('host');
  const home = join(folder.path, hostId);
  const directory = join(home, 'scripts');
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const diary = join(home, 'diary');
  const hooks: Hooks = Object.fromEntries(
    Object.entries(wish).map(([name, { does = '', ...more }]) => {
      const body = `#!/bin/sh\necho "$HOLDFAST_HOOK $HOLDFAST_OUTCOME" >> ${diary}\n${does}\n`;
      writeFileSync(join(directory, name), body, { mode: 0o755 });
      const onFailure = policies[name as HookName];
      return [name, { script: name, args: [], timeoutSeconds: 60, onFailure, ...more }];
    }),
  );
  const lines: string[] = [];
  const ticket = ticketOf(hostId, { hooks: planOfHooks(hooks) ?? {} });
  const { runId } = ticket;
  const facts = { runId, hostId, jobId: newId('job'), jobName: 'nightly', kind: 'no-op', resource: 'orders' };
  const agent = await openAgent(orchestra, {
    ...{ folder: home, hostId, work: {}, order: noOpOrder(hostId, parts.seconds ?? 0) },
    scripts: { directory, of: () => Promise.resolve({ hooks, facts }) },
    onLine: (line) => void lines.push(line),
    ...parts,
  });
  return {
    ...{ agent, ticket, lines },
    diary: () =>
      existsSync(diary)
        ? readFileSync(diary, 'utf8')
            .trim()
            .split('\n')
            .map((line) => line.trim())
        : [],
    start: () => orchestra.start(ticket),
    end: async () => {
      await (await orchestra.start(ticket)).result().catch(() => undefined);
      await agent.stop();
      return orchestra.book.outcome(runId);
    },
  };
}

const exits = (status: number) => ({ does: `exit ${String(status)}` });

test('K-087 K-088 a run asks its precondition, runs its scripts around the work, and tells the last one the outcome', async () => {
  const told = await stage({ precondition: {}, before: { does: 'echo quiet' }, after: {} });
  expect(await told.end()).toEqual({ state: 'succeeded', result: { seconds: 0 } });
  expect(told.diary()).toEqual(['precondition', 'before', 'after succeeded']);
  expect(told.lines).toContain('before script: quiet');
  expect(orchestra.told).toContain(told.ticket.runId);
});

test('K-087 a precondition that says "not now" skips the run: no other script, no work, and Temporal shows no failure', async () => {
  const skipped = await stage({ precondition: exits(1), before: {}, after: {} });
  const handle = await skipped.start();
  expect(await handle.result()).toMatchObject({ state: 'skipped', code: 'precondition_false' });
  expect(orchestra.book.outcome(skipped.ticket.runId)?.state).toBe('skipped');
  expect(skipped.diary()).toEqual(['precondition']);
  expect(skipped.agent.ended(skipped.ticket.runId)).toBe(true);
  expect(skipped.lines.some((line) => line.includes('ended with exit status 1'))).toBe(true);
  await skipped.agent.stop();
});

test('K-087 a script before the work that fails keeps the work from beginning; the one after it hears of it', async () => {
  let asked = 0;
  const order = (): Promise<never> => {
    asked += 1;
    return Promise.reject(fail('agent_stopping', {}));
  };
  const failed = await stage({ before: exits(7), after: {} }, { order });
  expect(await failed.end()).toMatchObject({ state: 'failed', code: 'script_failed', params: { exit: '7' } });
  expect(failed.diary()).toEqual(['before', 'after failed']);
  expect(asked).toBe(0);
});

test('K-087 with the policy "warn" the work is done all the same and each script that failed is a warning', async () => {
  const warn = { ...exits(9), onFailure: 'warn' } as const;
  const warned = await stage({ precondition: warn, before: warn, after: warn });
  const outcome = await warned.end();
  expect(outcome).toMatchObject({ state: 'warned', result: { seconds: 0 } });
  expect(outcome?.state === 'warned' ? outcome.warnings.map(({ code }) => code) : []).toEqual([
    ...['script_failed', 'script_failed', 'script_failed'],
  ]);
  expect(warned.diary()).toEqual(['precondition', 'before', 'after warned']);
});

test('K-088 the script after the work fails a good run by its policy alone, and leaves a failed one as it is', async () => {
  const strict = await stage({ after: { ...exits(2), onFailure: 'fail' } });
  expect(await strict.end()).toMatchObject({ state: 'failed', code: 'script_failed', params: { hook: 'after' } });
  expect(orchestra.book.outcome(strict.ticket.runId)).toMatchObject({ hasWorked: true });
  const order = (): Promise<never> =>
    Promise.reject(fail('set_damaged', { set: 'set_x', count: '1', object: 'meta', what: 'flipped' }));
  const both = await stage({ after: { ...exits(2), onFailure: 'fail' } }, { order });
  expect(await both.end()).toMatchObject({ state: 'failed', code: 'set_damaged' });
  expect(orchestra.book.outcome(both.ticket.runId)).not.toHaveProperty('hasWorked');
  expect(both.diary()).toEqual(['after failed']);
});

test('K-087 a script that hangs is ended by its time-out and fails the run', async () => {
  const hung = await stage({ before: { does: 'sleep 1000', timeoutSeconds: 1 } });
  expect(await hung.end()).toMatchObject({ state: 'failed', code: 'script_timed_out', params: { seconds: '1' } });
});

test('K-087 scripts that are missing, or none allowed, are refused before anything is touched, whatever the policy', async () => {
  const missing = await stage({ precondition: {}, after: { script: 'absent', onFailure: 'warn' } });
  expect(await missing.end()).toMatchObject({ state: 'failed', code: 'script_missing', params: { script: 'absent' } });
  expect(missing.diary()).toEqual([]);
  const hostId = newId('host');
  const hooks: Hooks = { before: { script: 'x', args: [], timeoutSeconds: 1, onFailure: 'warn' } };
  const facts = {
    runId: newId('run'),
    hostId,
    jobId: parseId('job', `job_${'1'.repeat(32)}`),
    jobName: 'j',
    kind: 'no-op',
  };
  const agent = await openAgent(orchestra, {
    ...{ folder: join(folder.path, hostId), hostId, work: {}, order: noOpOrder(hostId, 0) },
    scripts: { directory: undefined, of: () => Promise.resolve({ hooks, facts }) },
  });
  const ticket = ticketOf(hostId, { hooks: planOfHooks(hooks) ?? {} });
  await (await orchestra.start(ticket)).result().catch(() => undefined);
  expect(orchestra.book.outcome(ticket.runId)).toMatchObject({ state: 'failed', code: 'scripts_not_allowed' });
  await agent.stop();
});

test('K-087 K-088 a run that is cancelled in its script before the work ends it; the script after the run is told "cancelled"', async () => {
  const cancelled = await stage({ before: { does: 'sleep 1000' }, after: {} });
  const handle = await cancelled.start();
  await eventually(() => cancelled.diary().includes('before'));
  await handle.cancel();
  await handle.result().catch(() => undefined);
  expect(orchestra.book.outcome(cancelled.ticket.runId)?.state).toBe('cancelled');
  expect((await handle.describe()).status.name).toBe('CANCELLED');
  expect(cancelled.diary()).toEqual(['before', 'after cancelled']);
  await cancelled.agent.stop();
});

test('K-088 a run that is cancelled at work still runs its last script, also when it was paused', async () => {
  const paused = await stage({ after: {} }, { seconds: 3600 });
  const handle = await paused.start();
  await eventually(async () => (await handle.query<{ phase: string }>('status')).phase === 'working');
  await handle.executeUpdate('pause');
  await handle.cancel();
  await handle.result().catch(() => undefined);
  expect(orchestra.book.outcome(paused.ticket.runId)?.state).toBe('cancelled');
  expect(paused.diary()).toEqual(['after cancelled']);
  await paused.agent.stop();
});

test('K-088 a run that is refused because its lane is busy has done nothing, so its last script is not run', async () => {
  const holder = await stage({}, { seconds: 3600 });
  const lane = { owner: newId('res'), kind: 'data' } as const;
  const first = ticketOf(holder.ticket.hostId, { lane });
  const busy = await orchestra.start(first);
  await eventually(() => holder.agent.began(first.runId));
  const refused = await stage({ after: {} });
  const ticket = { ...refused.ticket, lane };
  await (await orchestra.start(ticket)).result().catch(() => undefined);
  expect(orchestra.book.outcome(ticket.runId)).toMatchObject({ state: 'failed', code: 'lane_busy' });
  expect(refused.diary()).toEqual([]);
  await busy.cancel();
  await busy.result().catch(() => undefined);
  await Promise.all([holder.agent.stop(), refused.agent.stop()]);
});

test('K-087 a script that writes 1 GiB costs the agent no memory and the log no more than its share', async () => {
  const loud = await stage({ before: { does: 'yes holdfast | head -c 1073741824', timeoutSeconds: 3600 } });
  const before = process.memoryUsage().rss;
  expect((await loud.end())?.state).toBe('succeeded');
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 1024 * 1024);
  expect(loud.lines.filter((line) => line.startsWith('before script: '))).toHaveLength(201);
}, 900_000);
