import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { removeWholeFile, writeWholeFile } from './whole-file.ts';

/**
 * The task tokens of the activities that run now, on disk: what is found at a start belonged to a process that died,
 * and is failed retryably at once instead of after the heartbeat time-out (build.md "Takeover after kill -9").
 */
export interface TokenJournal {
  /** Durable when it returns. */
  hold(token: string): Promise<void>;
  release(token: string): Promise<void>;
  /** Base64 tokens left by the process before this one. */
  left(): Promise<readonly string[]>;
}

/** Opens the journal; call `left` before anything is held. */
export async function openTokenJournal(folder: string): Promise<TokenJournal> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const fileOf = (token: string): string =>
    join(folder, `${createHash('sha256').update(token).digest('hex').slice(0, 32)}.token`);
  const atStart = (await readdir(folder)).filter((name) => name.endsWith('.token'));
  return {
    hold: (token) => writeWholeFile(fileOf(token), token),
    release: (token) => removeWholeFile(fileOf(token)),
    left: () => Promise.all(atStart.map((name) => readFile(join(folder, name), 'utf8'))),
  };
}
