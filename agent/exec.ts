import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, fchownSync, constants as fileConstants, fstatSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { bug, fail } from '#core/errors/fail.ts';
import type { ScriptOutput } from '#core/hooks/output-lines.ts';

/** Unprivileged account a child runs as; PostgreSQL refuses to run as root. Needs root in the caller. */
export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * What to start. There is no shell: each argument arrives as it is. Secrets belong in `env` or `input`, never in
 * `args` (visible to every user of the host). The child sees only `env` and a fixed PATH and C locale, so nothing of
 * the agent's own environment leaks.
 */
export interface ProcessRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A directory that `user` may enter. Default `/`. */
  readonly cwd?: string;
  readonly user?: ProcessUser;
  /** Aborting ends the child's whole process group: SIGTERM, after two seconds SIGKILL. */
  readonly signal?: AbortSignal;
  /** File to which standard output (for a long-lived child also standard error) is appended instead of memory. */
  readonly outputFile?: string;
  /** Whom the output file shall belong to. The file may lie where that account could put a trap: links are refused. */
  readonly outputOwner?: ProcessUser;
}

export interface ExecRequest extends ProcessRequest {
  /** Milliseconds after which the child is ended and `command_timed_out` is thrown. */
  readonly timeoutMs: number;
  readonly input?: string | Uint8Array;
  /** Bytes kept of each output stream; the rest is read and dropped. Default 1 MiB. */
  readonly maxOutputBytes?: number;
}

export interface ExecResult {
  /** Exit status, or 128 + the number of the signal that ended the child. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A long-lived child, for example a server in recovery. */
export interface RunningProcess {
  readonly pid: number;
  /** Settles when the child has ended; never rejects. */
  readonly exited: Promise<{ readonly exitCode: number }>;
  /** Last bytes of what the child wrote (empty when `outputFile` takes them). */
  output(): string;
  /** Sends `signal` to the child alone and waits; after `graceMs` its process group is killed. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<{ readonly exitCode: number }>;
}

/** A child whose output is read as it comes and whose input is written as it goes. */
export interface PipedProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the child has ended and its output was read, with the first and the last 64 KiB of its errors; rejects with `command_unusable` when it could not be started. */
  readonly exited: Promise<{ readonly exitCode: number; readonly stderr: string }>;
}

const baseEnvironment = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
const killAfterMs = 2000;
/** What a script wrote before it ended is in the pipe by then. */
const letGoAfterMs = 1000;
const tailBytes = 64 * 1024;

/**
 * Runs a program to its end: the only door to child processes (design §3). A non-zero exit is an answer, not an error.
 * Throws `command_unusable`, `command_timed_out`, `cancelled`.
 */
export async function exec(request: ExecRequest): Promise<ExecResult> {
  const output = openOutput(request);
  const child = launch(request, [request.input === undefined ? 'ignore' : 'pipe', output ?? 'pipe', 'pipe']);
  const limit = request.maxOutputBytes ?? 1024 * 1024;
  const stdout = collect(child.stdout, limit, 'head');
  const stderr = collect(child.stderr, limit, 'head');
  const ended = outcomeOf(child, request.command);
  // A child that closes its input early must not crash the agent: its exit code tells the story.
  child.stdin?.on('error', () => undefined).end(request.input);
  const timer = AbortSignal.timeout(request.timeoutMs);
  const release = endOn(child, request.signal === undefined ? timer : AbortSignal.any([timer, request.signal]));
  try {
    const exitCode = await ended;
    if (request.signal?.aborted === true) throw fail('cancelled', { what: request.command });
    if (timer.aborted)
      throw fail('command_timed_out', { command: request.command, seconds: String(request.timeoutMs / 1000) });
    return { exitCode, stdout: stdout(), stderr: stderr() };
  } finally {
    release();
    if (output !== undefined) closeSync(output);
  }
}

/** A program of the operator: who knows what it writes, how long it takes and what it starts. */
export interface ScriptRequest extends Pick<ProcessRequest, 'command' | 'args' | 'cwd'> {
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Milliseconds after which it is ended with its process group; that is an answer, not an error. */
  readonly timeoutMs: number;
  /** Bytes kept of the begin and of the end of what it writes, both streams together. */
  readonly keptBytes: number;
}

export interface ScriptResult {
  readonly exitCode: number;
  readonly isTimedOut: boolean;
  readonly output: ScriptOutput;
}

/**
 * Runs a script until it ends. What it leaves in its process group is ended with it; what left that group may live on, but its hold
 * on the output is given up after a second, so that nothing that the script started holds up the run. Throws `command_unusable`, `cancelled`.
 */
export async function execScript(request: ScriptRequest): Promise<ScriptResult> {
  const { command, signal } = request;
  const child = launch(request, ['ignore', 'pipe', 'pipe']);
  const output = collectEnds([child.stdout, child.stderr], request.keptBytes);
  const ended = outcomeOf(child, command);
  const timer = AbortSignal.timeout(request.timeoutMs);
  let isTimedOut = false;
  let letGo: NodeJS.Timeout | undefined;
  child.once('exit', () => {
    isTimedOut = timer.aborted;
    endGroup(child.pid);
    // Both streams closed make the child's `close`, which comes with its exit code.
    letGo = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, letGoAfterMs);
  });
  const release = endOn(child, AbortSignal.any([timer, signal]));
  try {
    const exitCode = await ended;
    if (signal.aborted) throw fail('cancelled', { what: command });
    return { exitCode, isTimedOut, output: output() };
  } finally {
    clearTimeout(letGo);
    release();
  }
}

/** Starts a child that lives on, in its own process group. Throws `command_unusable` when it cannot be started. */
export async function startProcess(request: ProcessRequest): Promise<RunningProcess> {
  const file = openOutput(request);
  const child = launch(request, ['ignore', file ?? 'pipe', file ?? 'pipe']);
  const ended = outcomeOf(child, request.command);
  const tails = [collect(child.stdout, tailBytes, 'tail'), collect(child.stderr, tailBytes, 'tail')];
  const release = request.signal === undefined ? () => undefined : endOn(child, request.signal);
  try {
    await Promise.race([new Promise((resolve) => child.once('spawn', resolve)), ended]);
  } finally {
    if (file !== undefined) closeSync(file);
  }
  const exited = ended.then((exitCode) => {
    release();
    return { exitCode };
  });
  return {
    pid: child.pid ?? -1,
    exited,
    output: () => tails.map((tail) => tail()).join(''),
    stop: async (signal, graceMs) => {
      child.kill(signal);
      const timer = setTimeout(() => {
        killGroup(child, 'SIGKILL');
      }, graceMs);
      const result = await exited;
      clearTimeout(timer);
      return result;
    },
  };
}

/**
 * Starts a child between two pipes. Its output must be read, or it stands still. Nothing of it touches a disk. The signal of
 * the request ends it; the caller looks at `exited`, because output that ended says nothing about success.
 */
export function startPiped(request: Omit<ProcessRequest, 'outputFile' | 'outputOwner'>): PipedProcess {
  const child = launch(request, ['pipe', 'pipe', 'pipe']);
  const stderr = collectEnds([child.stderr], 2 * tailBytes);
  const release = request.signal === undefined ? () => undefined : endOn(child, request.signal);
  const exited = outcomeOf(child, request.command)
    .then((exitCode) => ({ exitCode, stderr: textOf(stderr()) }))
    .finally(release);
  // Why: whoever asks hears of a failure; nobody may ask before the streams have ended.
  exited.catch(() => undefined);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw bug(`${request.command} was started without pipes`);
  // A child that ends before its input does tells why by its exit code.
  stdin.on('error', () => undefined);
  return { stdin, stdout, exited };
}

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = fileConstants;

/** Throws `command_unusable` when what stands there is no file of its own. */
function openOutput({ command, outputFile: path, outputOwner: owner }: ProcessRequest): number | undefined {
  if (path === undefined) return undefined;
  if (owner === undefined) return openSync(path, 'a', 0o600);
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
  const stands = fstatSync(file);
  if (!stands.isFile() || stands.nlink !== 1) {
    closeSync(file);
    throw fail('command_unusable', { command, reason: `its output cannot go to ${path}, which is no file of its own` });
  }
  fchownSync(file, owner.uid, owner.gid);
  return file;
}

function launch(request: ProcessRequest, stdio: StdioOptions): ChildProcess {
  return spawn(request.command, [...request.args], {
    cwd: request.cwd ?? '/',
    env: { ...baseEnvironment, ...request.env },
    stdio,
    shell: false,
    // Own process group: a signal reaches the children of the child too.
    detached: true,
    ...(request.user === undefined ? {} : { uid: request.user.uid, gid: request.user.gid }),
  });
}

function outcomeOf(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      reject(fail('command_unusable', { command, reason: cause.code ?? cause.message }, cause));
    });
    child.once('close', (code, signal) => {
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}

function collect(stream: ChildProcess['stdout'], limit: number, keep: 'head' | 'tail'): () => string {
  let chunks: Buffer[] = [];
  let size = 0;
  stream?.on('data', (chunk: Buffer) => {
    if (keep === 'head') chunk = chunk.subarray(0, Math.max(0, limit - size));
    chunks.push(chunk);
    size += chunk.length;
    if (keep === 'tail' && size > 2 * limit) {
      chunks = [Buffer.concat(chunks).subarray(-limit)];
      size = limit;
    }
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Keeps the first and the last bytes of streams together, as they come. */
function collectEnds(streams: readonly ChildProcess['stdout'][], keptBytes: number): () => ScriptOutput {
  const half = Math.floor(keptBytes / 2);
  let head = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  let seen = 0;
  const take = (chunk: Buffer): void => {
    seen += chunk.length;
    const first = chunk.subarray(0, half - head.length);
    if (first.length > 0) head = Buffer.concat([head, first]);
    const rest = chunk.subarray(first.length);
    if (rest.length >= half) tail = rest.subarray(-half);
    else if (rest.length > 0) tail = Buffer.concat([tail, rest]).subarray(-half);
  };
  for (const stream of streams) stream?.on('data', take);
  return () => ({
    head: head.toString('utf8'),
    tail: tail.toString('utf8'),
    droppedBytes: seen - head.length - tail.length,
  });
}

/** The cause of a failure may be said first or last: both are kept. */
const textOf = ({ head, tail, droppedBytes }: ScriptOutput): string =>
  droppedBytes === 0 ? `${head}${tail}` : `${head}\n… ${String(droppedBytes)} bytes …\n${tail}`;

/** What a process that has ended left in its group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (cause) {
    // ESRCH: it left nothing, which is the rule.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) throw cause;
  }
}

/** Ends the child when the signal fires; the returned function forgets it. */
function endOn(child: ChildProcess, signal: AbortSignal): () => void {
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    killGroup(child, 'SIGTERM');
    timer = setTimeout(() => {
      killGroup(child, 'SIGKILL');
    }, killAfterMs);
  };
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
  };
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (cause) {
    // ESRCH: it ended between the check and the signal, which is what was wanted.
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ESRCH')) throw cause;
  }
}
