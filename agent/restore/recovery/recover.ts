import { setTimeout as pause } from 'node:timers/promises';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ControlFile } from '#core/engine/control-file.ts';
import { decodeControlFile } from '#core/engine/control-file.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { bug, fail } from '#core/errors/fail.ts';
import type { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Faults } from '#core/faults/fault-points.ts';
import { reach } from '#core/faults/fault-points.ts';
import type { Instant } from '#core/instant.ts';
import { startsPlainly, staysAsItIs } from '#core/restore/recovery/offline-start.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { describeTarget } from '#core/restore/plan/unreachable.ts';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { historyFilesOf } from '#agent/datadir/writer-aside.ts';
import { codeOf } from '#agent/file-system.ts';
import { logDirectoryOf, readPidFile } from '#agent/datadir/reader.ts';
import type { FileOwner } from '#agent/datadir/writer-paths.ts';
import type { RunningProcess } from '#agent/exec.ts';
import { startProcess } from '#agent/exec.ts';
import type { WatchedRecovery } from './watch-replay.ts';
import { watchReplay } from './watch-replay.ts';
import { requireApart } from './require-apart.ts';
import { isDiskFull, isShort, lastTransaction, lastWords, logTail } from './server-log.ts';

/** A server program and the directory it recovers. */
export interface RecoveryRequest {
  readonly plan: RestorePlan;
  readonly directory: string;
  /** Directory of the server programs. */
  readonly programs: string;
  readonly owner: FileOwner;
  readonly logFile: string;
  /** Whom the log file belongs to; the agent itself when absent. */
  readonly logOwner?: FileOwner;
  readonly signal: AbortSignal;
  /** Configuration file outside the data directory, for an instance that has it there. */
  readonly configFile?: string | undefined;
  /** Hears where the server replays. */
  readonly watched: Pick<WatchedRecovery, 'clock' | 'onReplay'>;
  /** Where a test lets the process die. */
  readonly faults?: Faults | undefined;
}

export interface Recovered {
  readonly timeline: number;
  /** Absent for a standby that has not streamed yet. */
  readonly reachedLsn?: Lsn;
  readonly lastTransactionAt?: Instant;
  /** Present while the server runs. */
  readonly server?: RunningProcess;
}

interface ReachedPoint {
  readonly timeline: number;
  readonly reachedLsn: Lsn;
}

const pollMs = 20;
const closeMs = 30_000;

/**
 * Starts the server and waits for the end of the recovery: promoted, or shut down at its target. What was reached is
 * read from what the server wrote (history file, control file) and compared with the plan.
 * Throws `label_missing`, `recovery_short`, `recovery_no_space`, `recovery_failed`, `copy_not_apart`, `cancelled`.
 */
export async function recover(request: RecoveryRequest): Promise<Recovered> {
  if (request.plan.offline === undefined) requireLabel(request);
  else if (staysAsItIs(request.plan)) return leftAsItIs(request);
  const known = new Set(historyFilesOf(request.directory));
  const from = sizeOf(request.logFile);
  const server = await startServer(request);
  reach(request, 'restore.after-start');
  const unwatch = watchReplay(server.pid, { ...request.watched, ...request, logFrom: from });
  const end = await endOfStart(server, request).finally(unwatch);
  try {
    const recovered = judge(request, end, { text: logTail(request.logFile, from), known });
    return end === 'ready' ? { ...recovered, server } : recovered;
  } catch (error) {
    if (end === 'ready') await server.stop('SIGINT', closeMs);
    throw error;
  }
}

function judge(
  request: RecoveryRequest,
  end: 'ready' | number,
  { text, known }: { readonly text: string; readonly known: ReadonlySet<string> },
): Recovered {
  if (request.signal.aborted) throw fail('cancelled', { what: 'the restore' });
  if (end !== (request.plan.isOpenedAfter ? 'ready' : 0)) throw endedBadly(request, text, end === 'ready' ? 0 : end);
  const reached = reachedOf(request, known);
  if (compareLsn(reached.reachedLsn, request.plan.mustReach) < 0) throw short(request, reached.reachedLsn, text);
  const at = lastTransaction(text);
  return { ...reached, ...(at === undefined ? {} : { lastTransactionAt: at }) };
}

function reachedOf(request: RecoveryRequest, known: ReadonlySet<string>): ReachedPoint {
  if (!request.plan.isOpenedAfter) return reachedByShutdown(request);
  return startsPlainly(request.plan) ? reachedByStart(request) : reachedByPromotion(request, known);
}

/** Nothing is to be replayed and the database is to stay closed: it is where the set left it. */
function leftAsItIs(request: RecoveryRequest): Recovered {
  const { timeline } = controlOf(request);
  return { timeline, reachedLsn: request.plan.mustReach };
}

/** A plain start ends crash recovery with a checkpoint at the end of the log that was there. */
function reachedByStart(request: RecoveryRequest): ReachedPoint {
  const { timeline, checkpointLsn } = controlOf(request);
  return { timeline, reachedLsn: checkpointLsn };
}

function controlOf({ directory, plan }: RecoveryRequest): ControlFile {
  const path = join(directory, engineProfile(plan.engine).files.control);
  return decodeControlFile(readFileSync(path), path);
}

/** Starts the server as the owner of the files; its words go to the log file. Throws `copy_not_apart`. */
export function startServer(
  request: Pick<RecoveryRequest, 'directory' | 'programs' | 'owner' | 'logFile' | 'logOwner' | 'configFile' | 'plan'>,
): Promise<RunningProcess> {
  const { directory, owner } = request;
  requireApart(request);
  const { files, tools } = engineProfile(request.plan.engine);
  const config = request.configFile ?? join(directory, files.configuration);
  const own =
    request.plan.place.kind === 'copy'
      ? [
          '-c',
          `data_directory=${directory}`,
          '-c',
          `hba_file=${join(directory, files.hba)}`,
          '-c',
          `ident_file=${join(directory, files.ident)}`,
        ]
      : [];
  return startProcess({
    command: join(request.programs, tools.server),
    args: ['-D', directory, '-c', `config_file=${config}`, ...own],
    cwd: directory,
    outputFile: request.logFile,
    ...(request.logOwner === undefined ? {} : { outputOwner: request.logOwner }),
    ...(process.getuid?.() === 0 ? { user: owner } : {}),
  });
}

/**
 * `ready` once the pid file of this very process says so, else the exit code. With hot standby off, `ready` is not said
 * before the end of the recovery (engine.md §D); with it on, as for a standby, once it can be read. An abort stops the server.
 */
export async function endOfStart(
  server: RunningProcess,
  { directory, signal }: Pick<RecoveryRequest, 'directory' | 'signal'>,
): Promise<'ready' | number> {
  const state: { exitCode: number | undefined } = { exitCode: undefined };
  const exited = server.exited.then(({ exitCode }) => {
    state.exitCode = exitCode;
  });
  for (;;) {
    if (state.exitCode !== undefined) return state.exitCode;
    if (signal.aborted) return (await server.stop('SIGINT', 1500)).exitCode;
    const file = readPidFile(directory);
    if (file?.pid === server.pid && file.status === 'ready') return 'ready';
    await Promise.race([exited, pause(pollMs)]);
  }
}

/** Without a valid label the server would begin at the checkpoint of pg_control and come up corrupt (engine.md §D). */
export function requireLabel({ directory, plan }: RecoveryRequest): void {
  let text = '';
  try {
    text = readFileSync(join(directory, 'backup_label'), 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const isValid =
    /^START WAL LOCATION: [0-9A-F]+\/[0-9A-F]+ \(file [0-9A-F]{24}\)\nCHECKPOINT LOCATION: [0-9A-F]+\/[0-9A-F]+\n/.test(
      text,
    );
  if (!isValid) throw fail('label_missing', { directory, setId: plan.setId });
}

/** The server names the point at which it left the old timeline in the history file of the new one. */
function reachedByPromotion({ directory }: RecoveryRequest, known: ReadonlySet<string>): ReachedPoint {
  const made = historyFilesOf(directory)
    .filter((name) => !known.has(name))
    .sort()
    .slice(-1)[0];
  if (made === undefined) throw bug(`${directory} was promoted without a new timeline`);
  const lines = readFileSync(join(logDirectoryOf(directory), made), 'utf8').matchAll(
    /^\s*\d+\s+([0-9A-F]+\/[0-9A-F]+)/gm,
  );
  const leftAt = [...lines].slice(-1)[0]?.[1];
  if (leftAt === undefined) throw bug(`${made} of ${directory} names no point`);
  return { timeline: Number.parseInt(made.slice(0, 8), 16), reachedLsn: parseLsn(leftAt) };
}

/** A shutdown in recovery flushes the last replayed position into the control file. */
function reachedByShutdown(request: RecoveryRequest): ReachedPoint {
  const control = controlOf(request);
  if (control.state !== 'shut down in recovery')
    throw endedBadly(request, `the control file says: ${control.state}`, 0);
  return { timeline: control.minRecoveryTimeline, reachedLsn: control.minRecoveryLsn };
}

function endedBadly(request: RecoveryRequest, text: string, exitCode: number): HoldfastError {
  const at = lastTransaction(text);
  const { directory, logFile: log } = request;
  // Why first: a server that cannot write may also say that it did not get to its target.
  if (isDiskFull(text)) return fail('recovery_no_space', { directory, log, lines: lastWords(text) });
  if (isShort(text)) return short(request, at === undefined ? 'the end of its log' : `the transaction of ${at}`, text);
  return fail('recovery_failed', { directory, exitCode: String(exitCode), log, lines: lastWords(text) });
}

const short = ({ directory, logFile, plan }: RecoveryRequest, reached: string, text: string): HoldfastError =>
  fail('recovery_short', {
    directory,
    reached,
    wanted: `${describeTarget(plan.asked)} (LSN ${plan.mustReach} or later)`,
    log: logFile,
    lines: lastWords(text),
  });

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
