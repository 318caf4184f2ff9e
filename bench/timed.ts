import { spawn } from 'node:child_process';
import { fail } from '#core/errors/fail.ts';
import type { Unprivileged } from '#scripts/supervisor/unprivileged.ts';

export interface TimedRun {
  /** Wall time from start to exit. */
  readonly ms: number;
  readonly output: string;
}

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: Unprivileged | undefined;
}

const keptOutput = 2000;

/** Runs a program to its end and times it whole. Throws `tool_failed`. */
export function timed({ command, args, env, user }: Command): Promise<TimedRun> {
  const identity = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  const beganAt = performance.now();
  const child = spawn(command, [...args], { env, cwd: '/', stdio: ['ignore', 'pipe', 'pipe'], ...identity });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const ms = performance.now() - beganAt;
      const output = Buffer.concat(chunks).toString();
      if (code === 0) resolve({ ms, output });
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
