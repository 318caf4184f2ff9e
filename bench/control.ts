import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { bug } from '#core/errors/fail.ts';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
import type { Stack } from '#scripts/supervisor/stack.ts';
import { openStack } from '#scripts/supervisor/stack.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';

/** What many jobs with plans cost on one machine (`npm run bench -- control`). */
export interface ControlFigures {
  readonly jobs: number;
  readonly createSeconds: number;
  /** Of a page of 200 jobs, the slowest of twenty. */
  readonly listMs: number;
  /** Jobs whose plans are due at the same second. */
  readonly fired: number;
  /** From that second to the record of the last run. */
  readonly firedSeconds: number;
  /** Of requests to the API meanwhile. */
  readonly apiP50Ms: number;
  readonly apiP99Ms: number;
  /** What the processes worked: says more than the times when the machine was busy with other things. */
  readonly cpuSeconds: { readonly create: CpuSeconds; readonly fire: CpuSeconds };
  /** Of the machine, over the last minute, when it began and when it ended. */
  readonly load: { readonly begin: number; readonly end: number };
}

/** User and system time of each process, in seconds; of the catalog it would be one number per connection, so it is left out. */
export type CpuSeconds = Readonly<Record<(typeof measured)[number], number>>;

const measured = ['api', 'worker', 'agent', 'temporal'] as const;

export interface ControlSize {
  readonly jobs: number;
  readonly fired: number;
}

const atOnce = 8;
const askEveryMs = 50;
/** Counting what has run reads every run: often, it would be the load that it looks at. */
const countEveryMs = 2000;

/** Starts a whole Holdfast below `base`, makes jobs that do nothing, lists them, and lets many of them be due at once. */
export async function measureControl(
  base: string,
  { jobs, fired }: ControlSize,
  say: (text: string) => void,
): Promise<ControlFigures> {
  const folder = mkdtempSync(join(base, 'hf-control-'));
  chmodSync(folder, 0o755);
  try {
    const stack = await openStack({ home: folder, parts: ['catalog', 'temporal', 'api', 'worker', 'agent'] });
    try {
      const api = new HoldfastClient(stack.places.apiUrl, stack.places.adminTokenPath);
      const { data } = await api.get<{ data: { id: string }[] }>('/hosts');
      const stage = { api, host: data[0]?.id ?? '' };
      say(`bench: creating ${String(jobs)} jobs`);
      const load = rounded(loadavg()[0] ?? 0);
      const before = cpuOf(stack);
      const createSeconds = rounded(await secondsOf(() => createJobs(stage, jobs)));
      const create = cpuSince(stack, before);
      const lists = [];
      for (let round = 0; round < 20; round++) lists.push((await secondsOf(() => api.get('/jobs?limit=200'))) * 1000);
      say(
        `bench: created in ${String(createSeconds)} s, processor seconds ${JSON.stringify(create)}, lists ${String(lists)}`,
      );
      say(`bench: letting ${String(fired)} jobs be due at once`);
      const later = cpuOf(stack);
      const meanwhile = await fireAtOnce({ ...stage, secondsPerJob: createSeconds / jobs }, fired);
      return {
        ...{ jobs, createSeconds, listMs: rounded(Math.max(...lists)), fired, ...meanwhile },
        cpuSeconds: { create, fire: cpuSince(stack, later) },
        load: { begin: load, end: rounded(loadavg()[0] ?? 0) },
      };
    } finally {
      await stack.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Stage {
  readonly api: HoldfastClient;
  readonly host: string;
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

const ticksPerSecond = 100;

/** proc(5) "stat": fields 14 and 15, counted after the name, which may hold blanks. */
function cpuOf(stack: Stack): CpuSeconds {
  const secondsOfPart = (part: (typeof measured)[number]): number => {
    const text = readFileSync(`/proc/${String(stack.childOf(part).pid)}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  };
  const [api, worker, agent, temporal] = measured.map(secondsOfPart);
  return { api: api ?? 0, worker: worker ?? 0, agent: agent ?? 0, temporal: temporal ?? 0 };
}

function cpuSince(stack: Stack, before: CpuSeconds): CpuSeconds {
  const now = cpuOf(stack);
  const spent = (part: (typeof measured)[number]): number => rounded(now[part] - before[part]);
  return { api: spent('api'), worker: spent('worker'), agent: spent('agent'), temporal: spent('temporal') };
}

async function secondsOf(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return (performance.now() - began) / 1000;
}

async function eachOf(count: number, act: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const createJobs = ({ api, host }: Stage, count: number): Promise<void> =>
  eachOf(count, (n) => {
    const at = `${String(n % 24).padStart(2, '0')}:${String(n % 60).padStart(2, '0')}`;
    const plan = { type: 'daily', zone: 'Europe/Berlin', at, startDate: '2030-01-01' };
    return api.post('/jobs', { name: `daily-${String(n)}`, plan, work: { kind: 'no-op', host } });
  });

async function fireAtOnce(
  { api, host, secondsPerJob }: Stage & { readonly secondsPerJob: number },
  count: number,
): Promise<Pick<ControlFigures, 'firedSeconds' | 'apiP50Ms' | 'apiP99Ms'>> {
  // Why so late: all of them must have been created by then, on a busy machine too.
  const dueMs = Date.now() + 60_000 + 2000 * count * secondsPerJob;
  const at = new Date(Math.ceil(dueMs / 60_000) * 60_000);
  const plan = { type: 'once', zone: 'UTC', date: at.toISOString().slice(0, 10), at: at.toISOString().slice(11, 19) };
  await eachOf(count, (n) => api.post('/jobs', { name: `due-${String(n)}`, plan, work: { kind: 'no-op', host } }));
  if (Date.now() > at.getTime()) throw bug('the jobs are there before they are due');
  await waitFor(() => Promise.resolve(Date.now() >= at.getTime()), 600_000);
  const times: number[] = [];
  const state = { isOver: false };
  const asking = (async () => {
    while (!state.isOver) {
      // Why caught: an answer that does not come counts with the time that it was waited for.
      times.push((await secondsOf(() => api.get('/jobs?limit=50').catch(() => undefined))) * 1000);
      await pause(askEveryMs);
    }
  })();
  const hasRunAll = await waitFor(async () => {
    await pause(countEveryMs);
    return (await closedRuns(api)) >= count;
  }, 600_000);
  const firedSeconds = rounded((Date.now() - at.getTime()) / 1000);
  state.isOver = true;
  await asking;
  if (!hasRunAll) throw bug('every job that was due has run');
  times.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    rounded(times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0);
  return { firedSeconds, apiP50Ms: quantile(0.5), apiP99Ms: quantile(0.99) };
}

interface RunPage {
  readonly data: readonly { readonly trigger: string; readonly closedAt: string | null }[];
  readonly nextCursor: string | null;
}

async function closedRuns(api: HoldfastClient): Promise<number> {
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: RunPage = await api.get(`/runs?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`);
    count += page.data.filter(({ trigger, closedAt }) => trigger === 'schedule' && closedAt !== null).length;
    cursor = page.nextCursor;
  }
  return count;
}
