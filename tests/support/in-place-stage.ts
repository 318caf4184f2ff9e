import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RateLimits } from '#core/run/rate.ts';
import { proveTables } from '#scripts/demo/workload.ts';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { KillStage, StartedRun } from './kill-stage.ts';
import { runTimeoutMs } from './kill-stage.ts';
import { contentOf } from './platform.ts';

/** The closed source as it lies on disk. */
export interface ClosedSource {
  readonly files: readonly string[];
  /** Names beside its data directory. */
  readonly around: readonly string[];
}

const namesAround = ({ source }: KillStage): readonly string[] => readdirSync(source.folder).sort();

/** Stops the source in order and remembers every byte of it. */
export async function closeSource(stage: KillStage): Promise<ClosedSource> {
  await stage.stack.childOf('demo-instance').stop();
  return { files: contentOf(stage.source.dataDirectory), around: namesAround(stage) };
}

interface InPlaceWish {
  readonly limits?: RateLimits;
  readonly reconnectMinutes?: number;
  /** Writes over what differs instead of moving the old directory aside. */
  readonly isDelta?: boolean;
}

/** Starts a restore of the first set in the place of the source. */
export async function startInPlace(
  { api, firstSet }: KillStage,
  { limits = {}, reconnectMinutes, isDelta = false }: InPlaceWish = {},
): Promise<StartedRun> {
  const { id } = await api.post<{ id: string }>('/restores', {
    ...{ resource: 'source', pool: 'pool', target: { at: 'immediate', setId: firstSet } },
    place: { kind: 'in-place', consent: isDelta ? 'overwrite source' : 'source' },
    options: { channels: 2, limits, ...(isDelta ? { ways: { isDelta } } : {}) },
    ...(reconnectMinutes === undefined ? {} : { reconnectMinutes }),
  });
  return { id, setId: '' };
}

const asideOf = ({ source }: KillStage, { id }: StartedRun): string => `${source.dataDirectory}.before-${id}`;

/** Waits until the old directory is aside and another is being written in its place. */
export async function untilReplacing(stage: KillStage, run: StartedRun): Promise<void> {
  const begun = join(stage.source.dataDirectory, 'base');
  await pollUntil(() => Promise.resolve((existsSync(asideOf(stage, run)) && existsSync(begun)) || undefined), {
    what: `a new directory in the place of the old one for ${run.id}`,
    timeoutMs: runTimeoutMs,
  });
  expect(existsSync(join(stage.source.dataDirectory, 'global', 'pg_control'))).toBe(false);
}

/** Waits until the agent has given the place back; then every byte is as it was, nothing else is left, and it opens. */
export async function expectGivenBack(stage: KillStage, run: StartedRun, before: ClosedSource): Promise<void> {
  // Why no look at the run alone: an agent that comes back cleans up at its own interval.
  await pollUntil(() => Promise.resolve(!namesAround(stage).some((name) => name.endsWith(run.id)) || undefined), {
    what: `the old directory back in its place after ${run.id}`,
    timeoutMs: runTimeoutMs,
  });
  expect(namesAround(stage)).toEqual(before.around);
  expect(contentOf(stage.source.dataDirectory)).toEqual(before.files);
  await stage.stack.start('demo-instance');
  const sql = await stage.source.connect();
  try {
    expect(await proveTables(sql)).toEqual(stage.content);
  } finally {
    await sql.end();
  }
}
