import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { bug } from '#core/errors/fail.ts';
import { HoldfastClient } from '#scripts/demo/holdfast-client.ts';
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
}

export interface ControlSize {
  readonly jobs: number;
  readonly fired: number;
}

const atOnce = 8;
const askEveryMs = 50;

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
      const createSeconds = await secondsOf(() => createJobs(stage, jobs));
      const lists = [];
      for (let round = 0; round < 20; round++) lists.push((await secondsOf(() => api.get('/jobs?limit=200'))) * 1000);
      say(`bench: letting ${String(fired)} jobs be due at once`);
      const meanwhile = await fireAtOnce(stage, fired);
      return { jobs, createSeconds: rounded(createSeconds), listMs: rounded(Math.max(...lists)), fired, ...meanwhile };
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
  { api, host }: Stage,
  count: number,
): Promise<Pick<ControlFigures, 'firedSeconds' | 'apiP50Ms' | 'apiP99Ms'>> {
  // Why so late: all of them must have been created by then, on a busy machine too.
  const dueMs = Math.ceil(Date.now() / 60_000) * 60_000 + 60_000 + count * 60;
  const at = new Date(Math.ceil(dueMs / 60_000) * 60_000);
  const plan = { type: 'once', zone: 'UTC', date: at.toISOString().slice(0, 10), at: at.toISOString().slice(11, 19) };
  await eachOf(count, (n) => api.post('/jobs', { name: `due-${String(n)}`, plan, work: { kind: 'no-op', host } }));
  if (Date.now() > at.getTime()) throw bug('the jobs are there before they are due');
  await waitFor(() => Promise.resolve(Date.now() >= at.getTime()), 600_000);
  const times: number[] = [];
  const state = { isOver: false };
  const asking = (async () => {
    while (!state.isOver) {
      times.push((await secondsOf(() => api.get('/jobs?limit=50'))) * 1000);
      await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    }
  })();
  const hasRunAll = await waitFor(async () => (await closedRuns(api)) >= count, 600_000);
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
