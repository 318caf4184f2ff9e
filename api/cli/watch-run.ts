import { setTimeout as wait } from 'node:timers/promises';
import { Presets, SingleBar } from 'cli-progress';
import { z } from 'zod';
import type { RunRow } from '#catalog/runs.ts';
import { runShape } from '#catalog/runs.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError, isErrorCode } from '#core/errors/holdfast-error.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { progressShape } from '#core/settings/shape/progress.ts';
import type { Cli } from './cli.ts';
import type { Terminal } from './terminal.ts';
import { bytesText } from './terminal.ts';

export const liveRunShape = z.looseObject({
  run: runShape,
  phase: z.string().optional(),
  detail: z.string().optional(),
  progress: progressShape.optional(),
  attempt: z.number().optional(),
  temporalUrl: z.string().optional(),
});
type LiveRun = z.output<typeof liveRunShape>;

const lookEveryMs = 700;

/** Watches a run to its end: a bar on a terminal, a line per phase elsewhere. Throws `timed_out`. */
export async function watchRun(cli: Cli, id: RunId, timeoutSeconds?: number): Promise<LiveRun> {
  const client = await cli.client();
  const show = cli.terminal.isWatched ? openBar(cli.terminal) : openLines(cli.terminal);
  const until = timeoutSeconds === undefined ? Infinity : cli.clock.nowMs() + timeoutSeconds * 1000;
  try {
    for (;;) {
      const live = await client.get(liveRunShape, `/api/v1/runs/${id}`);
      show.update(live);
      if (isFinal(live.run.state)) return live;
      if (cli.clock.nowMs() >= until) throw fail('timed_out', { what: `run ${id}`, seconds: String(timeoutSeconds) });
      await wait(lookEveryMs);
    }
  } finally {
    show.end();
  }
}

interface Show {
  update(live: LiveRun): void;
  end(): void;
}

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
      bar.setTotal(Math.max(1, progress.bytesTotal));
      const done = Math.min(Math.max(progress.bytesRead, progress.bytesWritten), progress.bytesTotal);
      const pieces = `${String(progress.filesDone)}/${String(progress.filesTotal)} files`;
      bar.update(done, {
        phase: progress.phase,
        done: bytesText(done),
        all: bytesText(progress.bytesTotal),
        speed: pieces,
      });
    },
    end: () => {
      bar.stop();
    },
  };
}

function openLines(terminal: Terminal): Show {
  let last = '';
  return {
    update: ({ run, phase, detail, progress }) => {
      const line = [run.state, phase, progress?.phase, detail]
        .filter((part) => part !== undefined && part !== '')
        .join(' · ');
      if (line !== last) terminal.err(`${run.id} ${line}\n`);
      last = line;
    },
    end: () => undefined,
  };
}

/** Throws what a run ended with, so that the exit code is that of its error; a run that succeeded passes. */
export function demandSuccess({ id, state, outcome }: Pick<RunRow, 'id' | 'state' | 'outcome'>): void {
  if (state === 'succeeded' || state === 'warned') return;
  const { code, params, message } =
    outcome !== null && 'code' in outcome ? outcome : { code: '', params: {}, message: 'no reason recorded' };
  const cause = isErrorCode(code) ? new HoldfastError(code, params) : undefined;
  if (cause !== undefined) throw cause;
  throw fail('run_failed', { run: id, state, reason: message });
}
