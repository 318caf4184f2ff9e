import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import type { Unprivileged } from '#scripts/supervisor/unprivileged.ts';

export interface TimedRun {
  /** Wall time from start to exit. */
  readonly ms: number;
  readonly output: string;
  /** Largest sum of the peak resident sets of the program and what it started, looked up often; undefined where it cannot be. */
  readonly rssMiB: number | undefined;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: Unprivileged | undefined;
}

const keptOutput = 2000;
const sampleMs = 50;

/** Peak resident sets in KiB of a process and all below it, as Linux tells; 0 when it has ended or the system has no /proc. */
function peakKiB(pid: number): number {
  try {
    const own = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1] ?? '0';
    const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
    const below = children.split(' ').filter((text) => text !== '');
    return below.reduce((sum, child) => sum + peakKiB(Number(child)), Number(own));
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return 0;
    throw error;
  }
}

/** Watches the memory of a process until it is told to stop; then MiB. */
function watchMemory(pid: number | undefined): () => number | undefined {
  let peak = 0;
  const look = (): void => {
    if (pid !== undefined) peak = Math.max(peak, peakKiB(pid));
  };
  const timer = setInterval(look, sampleMs);
  return () => {
    clearInterval(timer);
    return peak === 0 ? undefined : Math.round(peak / 1024);
  };
}

/** Runs a program to its end and times it whole. Throws `tool_failed`. */
export function timed({ command, args, env, user }: Command): Promise<TimedRun> {
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const beganAt = performance.now();
  const child = spawn(command, [...args], { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...identity });
  const memory = watchMemory(child.pid);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      memory();
      reject(error);
    });
    child.once('close', (code, signal) => {
      const ms = performance.now() - beganAt;
      const output = Buffer.concat(chunks).toString();
      const rssMiB = memory();
      if (code === 0) resolve({ ms, output, rssMiB });
      else
        reject(
          fail('tool_failed', { tool: command, status: signal ?? String(code), output: output.slice(-keptOutput) }),
        );
    });
  });
}

/** Middle value; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
