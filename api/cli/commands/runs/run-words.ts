import { z } from 'zod';
import type { RunRow } from '#catalog/runs/runs.ts';
import { resourceShape } from '#catalog/resources/resources.ts';
import { runShape } from '#catalog/runs/runs.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import type { RunId } from '#core/id.ts';
import { isFinal } from '#core/run/run-state.ts';
import { keptWords } from '#core/transfer/kept.ts';
import type { Cli, Said } from '#api/cli/cli.ts';
import type { ApiClient } from '#api/cli/client.ts';
import { timeText } from '#api/cli/terminal.ts';
import type { LiveRun } from '#api/cli/watch-run.ts';
import { demandSuccess, watchRun } from '#api/cli/watch-run.ts';
import { nextOfStarted, nextText, tookText } from './next-words.ts';
import type { Opener } from './result-words.ts';
import { resultLines } from './result-words.ts';

/** Options of every command that starts a run. */
export const waitOptions = {
  '--wait': 'wait for the end of the run; the exit code is that of its error',
  '--timeout <seconds>': 'with --wait: give up waiting after this long (exit code 6), the run goes on',
};
export const waitShape = { wait: z.boolean().default(false), timeout: z.coerce.number().positive().optional() };

/** One run as lines of text. */
export function runText(run: RunRow, opener?: Opener): string {
  const ended = run.outcome === null ? [] : [`outcome  ${outcomeText(run.outcome, opener)}`];
  return [
    `run      ${run.id}`,
    `kind     ${run.kind}`,
    `job      ${run.jobName}`,
    ...(run.resourceName === null ? [] : [`resource ${run.resourceName}`]),
    `state    ${run.state}`,
    `began    ${timeText(run.beganAt ?? run.createdAt)}`,
    `closed   ${timeText(run.closedAt)}`,
    ...line('took', tookText(run)),
    ...setLines(run),
    ...ended,
    ...line('next', nextText(run)),
  ].join('\n');
}

const line = (label: string, text: string | undefined): string[] =>
  text === undefined ? [] : [`${label.padEnd(8)} ${text}`];

/** The id of a set is reserved when a run begins: one that ended without the set does not show it. */
function setLines({ setId, hasSet, state }: RunRow): string[] {
  if (setId === null || (isFinal(state) && !hasSet)) return [];
  const isBad = hasSet && (state === 'failed' || state === 'cancelled');
  return [`set      ${setId}${isBad ? ' (in the catalog, though the run did not end well)' : ''}`];
}

function outcomeText(outcome: NonNullable<RunRow['outcome']>, opener: Opener | undefined): string {
  if (outcome.state !== 'succeeded' && outcome.state !== 'warned') return `${outcome.code}: ${outcome.message}`;
  const warnings =
    outcome.state === 'warned' ? outcome.warnings.map((one) => `warning ${one.code}: ${one.detail}`) : [];
  // Why without: the warnings of the result are those of the run, which come last.
  const lines = [...resultLines(outcome.result, { except: ['warnings'], opener }), ...warnings];
  return lines.length === 0 ? 'done' : lines.join('\n         ');
}

/** What a run keeps of what it replaced, with the commands for that; nothing when that is settled or there is nothing. */
export function keptLines({ run, transfer }: Pick<LiveRun, 'run' | 'transfer'>): readonly string[] {
  if (transfer === undefined) return [];
  const { kept, placed } = transfer;
  if (kept === 'kept' || kept === 'unsure')
    return [`kept     ${keptWords(run.id, { placed, isSwapped: kept === 'kept' }) ?? ''}`];
  return kept === 'none' ? [] : [`kept     nothing any more: it is ${kept}`];
}

/** How what a restore opened is reached: with the login of its resource, whose roles it has. */
export async function openerOf(client: ApiClient, { kind, resourceId }: RunRow): Promise<Opener | undefined> {
  if (kind !== 'restore' || resourceId === null) return undefined;
  const { engine, loginUser } = await client.get(resourceShape, `/api/v1/resources/${resourceId}`);
  const { tools, defaults } = engineProfile(engine);
  const { shell, control } = tools;
  return { shell, control, user: loginUser ?? defaults.user, database: defaults.database };
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
  if (!wait) return { json: run, text: [runText(run), ...line('next', nextOfStarted(run.id))].join('\n') };
  return watched(cli, { id: run.id, timeout, isJson });
}

/** Why a run that did not succeed is told without its outcome: that is thrown, and printed with its remedy. */
async function endText(cli: Cli, live: LiveRun): Promise<string> {
  const { run } = live;
  const isGood = run.state === 'succeeded' || run.state === 'warned';
  const text = isGood ? runText(run, await openerOf(await cli.client(), run)) : runText({ ...run, outcome: null });
  return [text, ...keptLines(live)].join('\n');
}

/** Watches a run; its last state is printed in any case, then what it ended with is thrown. */
export async function watched(
  cli: Cli,
  { id, timeout, isJson }: { id: RunId; timeout?: number | undefined; isJson: boolean },
): Promise<undefined> {
  const live = await watchRun(cli, id, timeout);
  const { run } = live;
  cli.terminal.out(isJson ? JSON.stringify(run, undefined, 2) : await endText(cli, live));
  demandSuccess(run);
  return undefined;
}
