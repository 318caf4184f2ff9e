import { z } from 'zod';
import type { RunRow } from '#catalog/runs.ts';
import { runShape } from '#catalog/runs.ts';
import type { RunId } from '#core/id.ts';
import type { Cli, Said } from '../cli.ts';
import { timeText } from '../terminal.ts';
import { demandSuccess, watchRun } from '../watch-run.ts';
import { resultLines } from './result-words.ts';

/** Options of every command that starts a run. */
export const waitOptions = {
  '--wait': 'wait for the end of the run; the exit code is that of its error',
  '--timeout <seconds>': 'with --wait: give up waiting after this long (exit code 6), the run goes on',
};
export const waitShape = { wait: z.boolean().default(false), timeout: z.coerce.number().positive().optional() };

/** One run as lines of text. */
export function runText(run: RunRow): string {
  const ended = run.outcome === null ? [] : [`outcome  ${outcomeText(run.outcome)}`];
  return [
    `run      ${run.id}`,
    `kind     ${run.kind}`,
    `state    ${run.state}`,
    `began    ${timeText(run.beganAt ?? run.createdAt)}`,
    `closed   ${timeText(run.closedAt)}`,
    ...(run.setId === null ? [] : [`set      ${run.setId}`]),
    ...ended,
  ].join('\n');
}

function outcomeText(outcome: NonNullable<RunRow['outcome']>): string {
  if (outcome.state !== 'succeeded' && outcome.state !== 'warned') return `${outcome.code}: ${outcome.message}`;
  const warnings =
    outcome.state === 'warned' ? outcome.warnings.map((one) => `warning ${one.code}: ${one.detail}`) : [];
  const lines = [...resultLines(outcome.result), ...warnings];
  return lines.length === 0 ? 'done' : lines.join('\n         ');
}

interface Asked {
  readonly path: string;
  readonly body?: unknown;
  readonly wait: boolean;
  readonly timeout?: number | undefined;
  readonly isJson: boolean;
}

/** Starts a run and, when asked, watches it to its end. Throws what the run ended with. */
export async function startAndWatch(cli: Cli, { path, body, wait, timeout, isJson }: Asked): Promise<Said | undefined> {
  const client = await cli.client();
  const run = await client.post(runShape, path, body);
  if (!wait) return { json: run, text: runText(run) };
  return watched(cli, { id: run.id, timeout, isJson });
}

/** Watches a run; its last state is printed in any case, then what it ended with is thrown. */
export async function watched(
  cli: Cli,
  { id, timeout, isJson }: { id: RunId; timeout?: number | undefined; isJson: boolean },
): Promise<undefined> {
  const { run } = await watchRun(cli, id, timeout);
  cli.terminal.out(isJson ? JSON.stringify(run, undefined, 2) : runText(run));
  demandSuccess(run);
  return undefined;
}
