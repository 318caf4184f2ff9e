import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunId } from '#core/id.ts';
import { parseId } from '#core/id.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { readIfPresent } from '#agent/datadir/reader.ts';
import { removeWholeFile, writeWholeFile } from '#agent/work/whole-file.ts';

/**
 * What a run knows of its slot, also across a kill of the agent: that there was one, up to where its log is safe, and whether the slot
 * has the only copy of log that came through it.
 */
export interface SlotMemory {
  durableTo(): Lsn | undefined;
  /** Keeps what is known already. */
  remember(from: Lsn): Promise<void>;
  /** Log came and was committed: the pool has what the slot had. */
  note(durableTo: Lsn): Promise<void>;
  /** Log came that could not be committed: the slot must stay for the next stream. */
  need(): Promise<void>;
  isNeeded(): boolean;
  forget(): Promise<void>;
}

const slotName = 'slot';
const neededName = 'slot-needed';

/** Opens the memory of a run below `home`, the agent's own directory. */
export function openSlotMemory(home: string, runId: RunId): SlotMemory {
  const folder = join(home, 'runs', runId);
  const [path, neededPath] = [join(folder, slotName), join(folder, neededName)];
  const durableTo = (): Lsn | undefined => {
    const text = readIfPresent(path)?.trim();
    return text === undefined ? undefined : parseLsn(text);
  };
  const write = async (file: string, text: string): Promise<void> => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await writeWholeFile(file, text);
  };
  const isNeeded = (): boolean => existsSync(neededPath);
  return {
    ...{ durableTo, isNeeded },
    remember: async (from) => {
      if (durableTo() === undefined) await write(path, `${from}\n`);
    },
    note: async (lsn) => {
      await write(path, `${lsn}\n`);
      if (isNeeded()) await removeWholeFile(neededPath);
    },
    need: async () => {
      if (!isNeeded()) await write(neededPath, '');
    },
    forget: async () => {
      if (isNeeded()) await removeWholeFile(neededPath);
      if (existsSync(path)) await removeWholeFile(path);
    },
  };
}

/** Streams of this host that took up a slot of which nothing says that it is gone. */
export function begunStreams(home: string): readonly RunId[] {
  const runs = join(home, 'runs');
  if (!existsSync(runs)) return [];
  return readdirSync(runs)
    .filter((name) => existsSync(join(runs, name, slotName)))
    .map((name) => parseId('run', name));
}
