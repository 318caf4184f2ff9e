import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'vitest';
import { z } from 'zod';
import { bug } from '#core/errors/fail.ts';
import { projectRoot } from '#scripts/supervisor/program.ts';
import type { Stack } from '#scripts/supervisor/stack.ts';
import type { StackOptions } from '#scripts/supervisor/stack-parts.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { Folder } from './folder.ts';
import { openFolder } from './folder.ts';
import type { PlatformInstance } from './platform-instance.ts';
import { openStackWithInstance } from './platform-instance.ts';

const refusalShape = z.object({
  code: z.string(),
  class: z.string(),
  message: z.string(),
  hint: z.string(),
  params: z.record(z.string(), z.string()),
});
/** What the command line says when it refuses, with `--json`. */
export type Refusal = z.output<typeof refusalShape>;

export interface Answer {
  readonly exit: number;
  /** Standard output as JSON; undefined when it said nothing. */
  readonly out: unknown;
  readonly err: string;
  readonly refusal: Refusal | undefined;
}

/** One database server that can be registered. */
export type AnyInstance = Pick<PlatformInstance, 'dataDirectory' | 'password'>;

/** A whole Holdfast of real processes, used as an operator uses it: by command line. One per test file. */
export interface Platform {
  readonly stack: Stack;
  readonly folder: string;
  readonly instance: PlatformInstance;
  /** Name of the only host. */
  readonly host: string;
  /** One command with `--json`; never throws. */
  holdfast(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Answer>;
  /** A command that must succeed; its JSON. */
  done(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<unknown>;
  /** A command that must be refused with this exit code, in words that are whole. */
  refused(exit: number, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Refusal>;
  /** Registers a running or closed instance under a name. */
  register(instance: AnyInstance, name: string): Promise<void>;
  logIn(instance: AnyInstance, name: string): Promise<void>;
  /** Creates a local pool in a directory of its own and returns the directory. */
  localPool(name: string): Promise<string>;
  close(): Promise<void>;
}

const launcher = join(projectRoot, 'bin', 'holdfast.mjs');

/** Standard error ends with one JSON line when a command is refused. */
const refusalIn = (err: string): Refusal | undefined => {
  const line = err.split('\n').find((one) => one.startsWith('{"error"'));
  return line === undefined ? undefined : z.object({ error: refusalShape }).parse(JSON.parse(line)).error;
};

const runCommand = (args: readonly string[], env: Readonly<Record<string, string>>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [launcher, ...args, '--json'], options, (error, out, err) => {
      const exit = error === null ? 0 : error.code;
      if (typeof exit !== 'number') reject(bug('a command ends with a code', error));
      else resolve({ exit, out: out.trim() === '' ? undefined : JSON.parse(out), err, refusal: refusalIn(err) });
    });
  });

/** Message and remedy are whole sentences about named things: no placeholder is left open, neither is empty. */
const demandWords = ({ message, hint }: Refusal): void => {
  for (const text of [message, hint]) {
    expect(text.length).toBeGreaterThan(10);
    expect(text).not.toMatch(/\{\w+\}|undefined|\[object/);
  }
};

/** A run that ended is never green when its command was refused. */
const demandNotGreen = (out: unknown): void => {
  const run = z.looseObject({ state: z.string() }).safeParse(out);
  if (run.success) expect(run.data.state).toBe('failed');
};

const commandsOf = (stack: Stack): Pick<Platform, 'holdfast' | 'done' | 'refused'> => {
  const holdfast: Platform['holdfast'] = (args, env = {}) => runCommand(args, { ...stack.places.cliEnv, ...env });
  return {
    holdfast,
    done: async (args, env) => {
      const { exit, out, err } = await holdfast(args, env);
      if (exit !== 0) throw bug(`holdfast ${args.join(' ')} succeeds, but it ended with ${String(exit)}: ${err}`);
      return out;
    },
    refused: async (exit, args, env) => {
      const answer = await holdfast(args, env);
      const { refusal } = answer;
      if (refusal === undefined)
        throw bug(`holdfast ${args.join(' ')} is refused, but it said ${JSON.stringify(answer)}`);
      expect({ refusal, exit: answer.exit }).toEqual({ refusal, exit });
      demandWords(refusal);
      demandNotGreen(answer.out);
      return refusal;
    },
  };
};

const hostsShape = z.tuple([z.looseObject({ name: z.string() })]);

export const openPlatform = async (options: Omit<StackOptions, 'home' | 'parts'> = {}): Promise<Platform> => {
  const folder: Folder = openFolder('hf-platform-');
  const parts = ['catalog', 'temporal', 'api', 'worker', 'agent', 'demo-instance'] as const;
  const opened = await openStackWithInstance({ home: folder.path, parts, ...options }).catch((error: unknown) => {
    folder.remove();
    throw error;
  });
  const { stack, instance } = opened;
  mkdirSync(join(folder.path, 'pools'));
  const commands = commandsOf(stack);
  const [{ name: host }] = hostsShape.parse(await commands.done(['host', 'ls']));
  return {
    ...{ stack, folder: folder.path, instance, host, ...commands },
    register: async ({ dataDirectory }, name) => {
      const found = await commands.done([
        'resource',
        'discover',
        host,
        '--register',
        '--data-directory',
        dataDirectory,
        '--name',
        name,
      ]);
      expect(found).toMatchObject([{ resource: name }]);
    },
    logIn: async ({ password }, name) => {
      await commands.done(['resource', 'login', name], { HOLDFAST_PASSWORD: password });
    },
    localPool: async (name) => {
      const directory = join(folder.path, 'pools', name);
      await commands.done(['pool', 'create', name, '--local', directory, '--host', host]);
      return directory;
    },
    close: async () => {
      await opened.close();
      folder.remove();
    },
  };
};

/** Every file below a directory with size and content: two equal listings mean that nothing changed. */
export const contentOf = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(directory, name)).isFile())
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex')}`,
    )
    .sort();

/** Sets of a local pool that anybody can see: those with a `meta`. */
export const setsIn = (pool: string): readonly string[] =>
  readdirSync(pool, { recursive: true, encoding: 'utf8' })
    .flatMap((name) => /^sets\/([^/]+)\/meta$/.exec(name)?.[1] ?? [])
    .sort();

type Asks = Pick<PlatformInstance, 'connect'>;

/** Sessions of ours that the server still sees; waits a little for the last one to go. */
export const hasNoSessionLeft = async (instance: Asks): Promise<boolean> => {
  const client = await instance.connect();
  const statement = "select 1 from pg_stat_activity where application_name like 'holdfast%'";
  try {
    return await waitFor(async () => (await client.query(statement)).rowCount === 0, 10_000);
  } finally {
    await client.end();
  }
};
