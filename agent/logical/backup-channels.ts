import type { Session } from '#agent/database/session.ts';
import type { SnapshotRequest } from './backup-snapshot.ts';
import { readBySnapshot } from './backup-snapshot.ts';
import type { StreamWriter, WrittenStream } from './stream-writer.ts';

/** What one channel does at a time: its writer, and a session by the snapshot that is opened when it is first needed. */
export interface Channel {
  readonly writer: StreamWriter;
  session(): Promise<Session>;
}
/** Writes one stream. */
export type Task = (channel: Channel) => Promise<WrittenStream>;

export interface Channels {
  readonly writers: readonly StreamWriter[];
  /** Ends everything that works for the database: cancelled, its snapshot lost, or stopped by the first failure. */
  readonly signal: AbortSignal;
  /** Aborts the signal. */
  readonly stop: (error: unknown) => void;
  readonly request: SnapshotRequest;
  /** Name of the exported snapshot. */
  readonly snapshot: string;
  readonly onStream: () => void;
}

/**
 * Does the tasks in order over all channels; the results are in the order of the tasks. The first failure stops all: nobody goes
 * on reading for hours for a set that cannot be.
 */
export async function inChannels(channels: Channels, tasks: readonly Task[]): Promise<readonly WrittenStream[]> {
  const results: WrittenStream[] = [];
  const { signal } = channels;
  let next = 0;
  const work = async (channel: Channel): Promise<void> => {
    for (let at = next++; at < tasks.length; at = next++) {
      signal.throwIfAborted();
      const task = tasks[at];
      if (task !== undefined) results[at] = await task(channel);
      channels.onStream();
    }
  };
  const count = Math.max(1, tasks.length);
  await Promise.allSettled(channels.writers.slice(0, count).map((writer) => inOne(channels, writer, work)));
  signal.throwIfAborted();
  return results;
}

async function inOne(
  { signal, stop, request, snapshot }: Channels,
  writer: StreamWriter,
  work: (channel: Channel) => Promise<void>,
): Promise<void> {
  let opened: Promise<Session> | undefined;
  const closeSession = async (): Promise<void> => {
    await (await opened?.catch(() => undefined))?.close();
  };
  // Why: a session that waits for rows ends only when it is cut.
  const cut = (): void => void closeSession();
  signal.addEventListener('abort', cut, { once: true });
  try {
    await work({ writer, session: () => (opened ??= readBySnapshot(request, snapshot)) });
  } catch (error) {
    stop(error);
  } finally {
    signal.removeEventListener('abort', cut);
    await closeSession();
  }
}
