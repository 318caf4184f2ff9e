import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { projectRoot } from '#scripts/supervisor/program.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';

const verdict = z.object({
  ok: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
  timings: z.record(z.string(), z.number()),
});
type Verdict = z.output<typeof verdict>;

/** A demo that runs in a process group and a temporary folder of its own. */
export interface RunningDemo {
  readonly process: ChildProcess;
  /** Everything it said so far, on both outputs. */
  said(): string;
  /** Waits until it has said something, or ended. False after the deadline. */
  untilSaid(what: RegExp, deadlineMs: number): Promise<boolean>;
  /** Exit code, or the signal that ended it. */
  readonly end: Promise<string>;
}

/** Starts a demo below `temporary`; `through` are the words of a program before it, such as npm. */
export const startDemo = (temporary: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): RunningDemo => {
  const [program = process.execPath, ...args] = command;
  const child = spawn(program, args, {
    cwd: projectRoot,
    env: { ...process.env, TMPDIR: temporary, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => chunks.push(chunk));
  }
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = once(child, 'close').then(() => child.signalCode ?? String(child.exitCode));
  const said = (): string => chunks.join('');
  const untilSaid = async (what: RegExp, deadlineMs: number): Promise<boolean> =>
    (await waitFor(() => isOver() || what.test(said()), deadlineMs)) && what.test(said());
  return { process: child, said, untilSaid, end };
};

const demoProgram = ['--import', 'tsx', 'scripts/demo/main.ts'];
/** The words that start a demo; the smallest data unless told otherwise. */
export const demoCommand = (...args: readonly string[]): string[] => [
  process.execPath,
  ...demoProgram,
  ...['--size', '64'],
  ...args,
];

/** Plays a whole demo and returns its exit code and its own verdict. */
export const playDemo = async (
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly end: string; readonly verdict: Verdict; readonly said: string }> => {
  const demo = startDemo(tmpdir(), demoCommand('--json', ...args), env);
  const end = await demo.end;
  const line = demo
    .said()
    .split('\n')
    .find((text) => text.startsWith('{"ok"'));
  return { end, said: demo.said(), verdict: verdict.parse(JSON.parse(line ?? JSON.stringify(demo.said()))) };
};

const wordsOf = (pid: string): string => {
  try {
    const words = readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ');
    return `${readlinkSync(join('/proc', pid, 'cwd'))} ${words}`;
  } catch {
    // Why: it has ended between the listing and our look.
    return '';
  }
};

/** Processes that work in a folder or name it in their arguments: `pid cwd command`. */
export const processesOf = (folder: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `${pid} ${wordsOf(pid)}`)
    .filter((line) => line.includes(folder));

/** Pid of the demo itself below a command that wraps it, by its parents. */
export const demoPidBelow = (pid: number): number | undefined => {
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
    .trim()
    .split(' ');
  for (const child of children.filter((name) => name !== '')) {
    const isDemo =
      /node(js)? --import tsx scripts\/demo\/main/.test(wordsOf(child)) && !wordsOf(child).includes('sh -c');
    const found = isDemo ? Number(child) : demoPidBelow(Number(child));
    if (found !== undefined) return found;
  }
  return undefined;
};
