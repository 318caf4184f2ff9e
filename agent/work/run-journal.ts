import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { RunId } from '#core/id.ts';
import type { StepEnd } from '#core/ports/step.ts';
import { errorFromForm, failureFormOf } from '#core/run/failure-form.ts';
import type { RateLimits } from '#core/run/rate.ts';
import type { JobKey, WorkResult } from '#core/run/work-order.ts';
import { warningShape, rateLimitsShape } from '#core/settings/shape/progress.ts';
import { idShape } from '#core/settings/shape/words.ts';
import { isMissing, removeWholeFile, writeWholeFile } from './whole-file.ts';

const endShape = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    value: z.object({
      setId: idShape('set').exactOptional(),
      report: z.record(z.string(), z.unknown()),
      warnings: z.array(warningShape),
    }),
  }),
  z.object({ ok: z.literal(false), type: z.string(), message: z.string(), params: z.record(z.string(), z.string()) }),
]);

/**
 * What this host remembers of runs, over restarts: how they ended (so that a result lost on the way to Temporal is
 * never work done twice, temporal-verified §3), the limits an operator set last, and that he paused it.
 */
export interface RunJournal {
  end(key: JobKey): Promise<StepEnd<WorkResult> | undefined>;
  /** Durable when it returns. */
  recordEnd(key: JobKey, end: StepEnd<WorkResult>): Promise<void>;
  limits(runId: RunId): Promise<RateLimits | undefined>;
  /** Durable when it returns. Throws `value_malformed`. */
  recordLimits(runId: RunId, limits: RateLimits): Promise<void>;
  isPaused(runId: RunId): Promise<boolean>;
  /** Durable when it returns. */
  recordPaused(runId: RunId, isPaused: boolean): Promise<void>;
  /** Forgets what is older than a moment (milliseconds since 1970): a run that old is asked for by nobody. */
  forgetBefore(ms: number): Promise<void>;
}

/** Opens the journal in a folder of its own, which is made when it does not exist. */
export async function openRunJournal(folder: string): Promise<RunJournal> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const endFile = (key: JobKey): string => join(folder, `${key}.end.json`);
  const limitsFile = (runId: RunId): string => join(folder, `${runId}.limits.json`);
  const pauseFile = (runId: RunId): string => join(folder, `${runId}.paused.json`);
  return {
    end: async (key) => {
      const kept = await readJson(endFile(key), endShape);
      if (kept === undefined) return undefined;
      return kept.ok ? kept : { ok: false, error: errorFromForm(kept.type, kept.message, [kept.params]) };
    },
    recordEnd: (key, end) => {
      const content = end.ok ? end : { ok: false, ...failureFormOf(end.error) };
      return writeWholeFile(endFile(key), JSON.stringify(content));
    },
    limits: (runId) => readJson(limitsFile(runId), rateLimitsShape),
    recordLimits: async (runId, limits) => {
      // Why: what is written here must be readable at the next start.
      const known = rateLimitsShape.safeParse(limits);
      if (!known.success)
        throw fail('value_malformed', {
          text: JSON.stringify(limits),
          what: 'rate limit',
          expected: known.error.issues[0]?.message ?? 'bytes per second',
        });
      await writeWholeFile(limitsFile(runId), JSON.stringify(limits));
    },
    isPaused: async (runId) => (await readJson(pauseFile(runId), z.boolean())) ?? false,
    recordPaused: (runId, isPaused) =>
      isPaused ? writeWholeFile(pauseFile(runId), 'true') : removeWholeFile(pauseFile(runId)),
    forgetBefore: async (ms) => {
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        if ((await stat(path)).mtimeMs < ms) await removeWholeFile(path);
      }
    },
  };
}

async function readJson<T>(path: string, shape: z.ZodType<T>): Promise<T | undefined> {
  try {
    return shape.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw fail(
      'agent_journal_damaged',
      { file: path, cause: cause instanceof Error ? cause.message : String(cause) },
      cause,
    );
  }
}
