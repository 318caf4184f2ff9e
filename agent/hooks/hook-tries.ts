import { mkdir, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import type { HookName } from '#core/hooks/hook.ts';
import type { RunId } from '#core/id.ts';
import { isMissing, removeWholeFile, writeWholeFile } from '#agent/work/whole-file.ts';

/** How often a script of a run was begun on this host, over restarts of the agent. */
export interface HookTries {
  /** Counts one more try, durably, and returns how many that makes. */
  begin(runId: RunId, name: HookName): Promise<number>;
  /** Tries that were begun so far. */
  count(runId: RunId, name: HookName): Promise<number>;
  /** Forgets what is older than a moment (milliseconds since 1970). */
  forgetBefore(ms: number): Promise<void>;
}

const countShape = z.number().int().min(0);

/** Opens the record in a folder of its own, which is made when it does not exist. */
export async function openHookTries(folder: string): Promise<HookTries> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fileOf = (runId: RunId, name: HookName): string => join(folder, `${runId}.${name}.json`);
  const count = async (runId: RunId, name: HookName): Promise<number> => {
    const file = fileOf(runId, name);
    try {
      return countShape.parse(JSON.parse(await readFile(file, 'utf8')));
    } catch (cause) {
      if (isMissing(cause)) return 0;
      throw fail(
        'agent_journal_damaged',
        { file, cause: cause instanceof Error ? cause.message : String(cause) },
        cause,
      );
    }
  };
  return {
    count,
    begin: async (runId, name) => {
      const tries = (await count(runId, name)) + 1;
      await writeWholeFile(fileOf(runId, name), JSON.stringify(tries));
      return tries;
    },
    forgetBefore: async (ms) => {
      for (const name of await readdir(folder)) {
        const path = join(folder, name);
        if ((await stat(path)).mtimeMs < ms) await removeWholeFile(path);
      }
    },
  };
}
