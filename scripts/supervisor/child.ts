import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { bug, fail } from '#core/errors/fail.ts';
import type { Unprivileged } from './unprivileged.ts';
import { waitFor } from './wait.ts';

export interface ChildSpec {
  /** In messages and as name of the log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child; none is inherited that is not here. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Run as this user (root only). */
  readonly user?: Unprivileged | undefined;
  /** Standard output and error are appended here. */
  readonly logPath: string;
  /** What asks the child to end; PostgreSQL: SIGINT = fast shutdown. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** Called when it runs, before it is ready. */
  readonly onStart?: OnStart | undefined;
}

/** Hears of a child that was just started and may not answer yet. */
export type OnStart = (child: Child) => void;

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly logPath: string;
  isRunning(): boolean;
  /** Asks, waits 10 s, then kills the whole process group. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL to the child alone, as a crash would be. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Resolves when the child has ended, however. */
  readonly ended: Promise<void>;
  /** The signal that it died of; undefined while it runs and when it ended by itself. */
  signal(): NodeJS.Signals | undefined;
}

const patienceMs = 10_000;
/**
 * A tiny shell that outlives us: when the pipe on its input closes (we ended, even by SIGKILL), it asks the child to
 * end, and kills the group 10 s later.
 */
const guardScript = `
trap '' INT TERM HUP
cat >/dev/null
kill -s "$2" "$1" 2>/dev/null || exit 0
n=0
while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
kill -s KILL -- "-$1" 2>/dev/null
`;

const spawned = async (process: ChildProcess): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    process.once('spawn', resolve);
    process.once('error', reject);
  });
  if (process.pid === undefined) throw bug('a started process has a process id');
  return process.pid;
};

const startGuard = (pid: number, signal: string): ChildProcess => {
  const args = ['-c', guardScript, 'guard', String(pid), signal.replace('SIG', '')];
  const guard = spawn('/bin/sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  guard.unref();
  guard.stdin.on('error', () => undefined);
  return guard;
};

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal);
  } catch {
    // Why: the group is gone already, which is what was wanted.
  }
};

/** Starts a child in its own process group, guarded so that it cannot outlive this process. */
export const startChild = async (spec: ChildSpec): Promise<Child> => {
  const log = openSync(spec.logPath, 'a', 0o640);
  const identity = spec.user === undefined ? {} : { uid: spec.user.uid, gid: spec.user.gid };
  const options = { cwd: spec.cwd, env: spec.env, detached: true, ...identity };
  const child = spawn(spec.command, [...spec.args], { ...options, stdio: ['ignore', log, log] });
  const pid = await spawned(child).finally(() => {
    closeSync(log);
  });
  const guard = startGuard(pid, spec.stopSignal);
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => {
      guard.kill('SIGKILL');
      resolve();
    });
  });
  const kill = async (): Promise<void> => {
    if (isRunning()) child.kill('SIGKILL');
    await ended;
  };
  const stop = async (): Promise<void> => {
    if (isRunning()) child.kill(spec.stopSignal);
    if (!(await waitFor(() => !isRunning(), patienceMs))) signalGroup(pid, 'SIGKILL');
    await ended;
  };
  const signal = (): NodeJS.Signals | undefined => child.signalCode ?? undefined;
  const started = { name: spec.name, pid, logPath: spec.logPath, isRunning, stop, kill, ended, signal };
  spec.onStart?.(started);
  return started;
};

/** Last lines of a log, for messages. Empty when there is none. */
export const tailOf = (logPath: string, lines = 12): string => {
  try {
    return readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
};

/** Waits until a child answers; fails with the tail of its log when it ends first or takes too long. */
export const untilReady = async (child: Child, isReady: () => Promise<boolean>, seconds = 60): Promise<void> => {
  const isAnswered = await waitFor(async () => !child.isRunning() || (await isReady()), seconds * 1000);
  const place = { component: child.name, logPath: child.logPath };
  if (!child.isRunning()) throw fail('component_failed', { ...place, reason: tailOf(child.logPath) });
  if (isAnswered) return;
  await child.stop();
  throw fail('component_not_ready', { ...place, seconds: String(seconds) });
};
