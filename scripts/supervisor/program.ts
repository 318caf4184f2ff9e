import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fail } from '#core/errors/fail.ts';
import type { Child, OnStart } from './child.ts';
import { startChild, untilReady } from './child.ts';

/** Root of the checkout. */
export const projectRoot = resolve(import.meta.dirname, '..', '..');
const launcher = join(projectRoot, 'bin', 'holdfast.mjs');

export interface ProgramStart {
  readonly name: 'api' | 'worker' | 'agent';
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** A line of its log that says it serves, or a question of our own. */
  readonly isReady: (newLog: string) => Promise<boolean> | boolean;
  readonly onStart?: OnStart;
}

const inherited = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'NODE_OPTIONS', 'NODE_EXTRA_CA_CERTS'];

/** What our own programs inherit; everything else they need is given to them by name. */
const baseEnvironment = (): Record<string, string> =>
  Object.fromEntries(inherited.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])));

/** Log lines since a length, so that an earlier start does not count. */
const newLog = (path: string, from: number): string => {
  if (!existsSync(path)) return '';
  return readFileSync(path).subarray(from).toString();
};

/** Starts one of our own programs from `dist/` and waits until it serves. */
export const startProgram = async (start: ProgramStart): Promise<Child> => {
  const logPath = join(start.folder, `${start.name}.log`);
  const from = existsSync(logPath) ? statSync(logPath).size : 0;
  const child = await startChild({
    name: start.name,
    command: process.execPath,
    args: [launcher, start.name],
    env: { ...baseEnvironment(), ...start.env },
    cwd: start.folder,
    logPath,
    stopSignal: 'SIGTERM',
    onStart: start.onStart,
  });
  await untilReady(child, () => Promise.resolve(start.isReady(newLog(logPath, from))));
  return child;
};

const keptOutput = 4000;

/** Runs a `holdfast` command to its end and returns its standard output. */
export const runHoldfast = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> => {
  const child = spawn(process.execPath, [launcher, ...args], {
    cwd: projectRoot,
    env: { ...baseEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
  const status = await new Promise<string>((done, refuse) => {
    child.once('error', refuse);
    child.once('close', (code, signal) => {
      done(signal ?? String(code));
    });
  });
  if (status === '0') return Buffer.concat(output).toString();
  const text = Buffer.concat([...output, ...errors])
    .toString()
    .slice(-keptOutput);
  throw fail('tool_failed', { tool: `holdfast ${args.join(' ')}`, status, output: text });
};
