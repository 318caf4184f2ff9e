import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { Presets, SingleBar } from 'cli-progress';
import { z } from 'zod';
import type { RunRow } from '#catalog/runs/runs.ts';
import { runShape } from '#catalog/runs/runs.ts';
import { transferShape } from '#catalog/transfers.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { progressShape } from '#core/settings/shape/progress.ts';
import { bytesText } from '#core/bytes-text.ts';
import { withNames } from '#api/http/with-names.ts';
import type { Cli } from './cli.ts';
import type { ApiClient } from './client.ts';
import { apiPatienceMs, isAway } from './patience.ts';
import { doneOf, phaseText, tenthText } from './progress-text.ts';
import type { Terminal } from './terminal.ts';

export const liveRunShape = z.looseObject({
  run: runShape,
  phase: z.string().optional(),
  detail: z.string().optional(),
  progress: progressShape.optional(),
  attempt: z.number().optional(),
  temporalUrl: z.string().optional(),
  transfer: transferShape.pick({ placed: true, kept: true }).optional(),
});
export type LiveRun = z.output<typeof liveRunShape>;

const lookEveryMs = 700;

/**
 * Watches a run to its end: a bar on a terminal, a line per phase and tenth of it elsewhere. An API that goes away meanwhile is waited for.
 * Throws `timed_out`, `interrupted`, `api_unreachable`.
 */
export async function watchRun(cli: Cli, id: RunId, timeoutSeconds?: number): Promise<LiveRun> {
  const show = cli.terminal.isWatched ? openBar(cli.terminal) : openLines(cli.terminal, id);
  try {
    return await lookUntilFinal(cli, { id, timeoutSeconds, show });
  } finally {
    show.end();
  }
}

interface Watching {
  readonly id: RunId;
  readonly timeoutSeconds: number | undefined;
  readonly show: Show;
}

async function lookUntilFinal(cli: Cli, { id, timeoutSeconds, show }: Watching): Promise<LiveRun> {
  const client = await cli.client();
  const nowMs = (): number => cli.clock.nowMs();
  const until = timeoutSeconds === undefined ? Infinity : nowMs() + timeoutSeconds * 1000;
  let seenAt: number | undefined;
  for (;;) {
    const live = await orInterrupted(cli, id, look(client, id));
    if (live instanceof HoldfastError) {
      if (seenAt === undefined || nowMs() - seenAt > apiPatienceMs) throw live;
      show.away(live);
    } else {
      seenAt = nowMs();
      show.update(live);
      if (isFinal(live.run.state)) return live;
    }
    if (nowMs() >= until) throw fail('timed_out', { what: `run ${id}`, seconds: String(timeoutSeconds) });
    await orInterrupted(cli, id, wait(lookEveryMs));
  }
}

/** The run as it is now, or the error that says that the API is away. */
async function look(client: ApiClient, id: RunId): Promise<LiveRun | HoldfastError> {
  try {
    return await client.get(liveRunShape, `/api/v1/runs/${id}`);
  } catch (error) {
    if (isAway(error)) return error;
    throw error;
  }
}

/** Waits for something unless the person gives up first. Throws `interrupted`. */
async function orInterrupted<T>({ interrupt }: Cli, run: RunId, work: Promise<T>): Promise<T> {
  const settled = new AbortController();
  const givenUp = interrupt.aborted ? Promise.resolve() : once(interrupt, 'abort', { signal: settled.signal });
  try {
    return await Promise.race([
      work,
      givenUp.then((): never => {
        throw fail('interrupted', { run });
      }),
    ]);
  } finally {
    settled.abort();
  }
}

interface Show {
  update(live: LiveRun): void;
  /** The API, or what it needs, does not answer. */
  away(error: HoldfastError): void;
  end(): void;
}

const awayText = ({ message }: HoldfastError): string => `${message}; the run goes on, still asking`;

function openBar(terminal: Terminal): Show {
  const format = '{bar} {percentage}% | {phase} | {done} of {all} | {speed}';
  const bar = new SingleBar(
    { format, hideCursor: true, stream: terminal.errStream, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(1, 0, { phase: 'waiting', done: '-', all: '-', speed: '' });
  return {
    update: ({ run, detail = '', phase = run.state, progress }) => {
      if (progress === undefined) {
        bar.update(0, { phase: detail === '' ? phase : detail });
        return;
      }
      const { done, all, text } = doneOf(progress);
      bar.setTotal(Math.max(1, all));
      const pieces = `${String(progress.filesDone)}/${String(progress.filesTotal)} files`;
      bar.update(done, {
        phase: phaseText(progress),
        done: text,
        all: bytesText(all),
        speed: pieces,
      });
    },
    away: (error) => {
      bar.update({ phase: awayText(error) });
    },
    end: () => {
      bar.stop();
    },
  };
}

function openLines(terminal: Terminal, id: RunId): Show {
  let last = '';
  const say = (line: string): void => {
    if (line !== last) terminal.err(`${id} ${line}\n`);
    last = line;
  };
  return {
    update: ({ run, phase, detail, progress }) => {
      const parts = [run.state, phase, progress?.phase, progress === undefined ? '' : tenthText(progress), detail];
      say(parts.filter((part) => part !== undefined && part !== '').join(' · '));
    },
    away: (error) => {
      say(awayText(error));
    },
    end: () => undefined,
  };
}

/** Throws what a run ended with, so that the exit code is that of its error; a run that succeeded passes. */
export function demandSuccess(run: RunRow): void {
  const { id, state, outcome } = run;
  if (state === 'succeeded' || state === 'warned') return;
  const { code, params, message } =
    outcome !== null && 'code' in outcome ? outcome : { code: '', params: {}, message: 'no reason recorded' };
  const named = Object.fromEntries(Object.entries(params).map(([name, text]) => [name, withNames(text, run)]));
  const cause = isErrorCode(code) ? new HoldfastError(code, named) : undefined;
  if (cause !== undefined) throw cause;
  throw fail('run_failed', { run: id, state, reason: message });
}
