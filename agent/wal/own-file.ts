import { join } from 'node:path';
import type { SegmentName } from '#core/wal/segment-name.ts';
import { hashOfStart } from './hash-of-start.ts';
import type { LogSwitch } from './switch-log.ts';

/** What is known of the server whose log is backed up. */
export interface OwnServer {
  readonly closed: LogSwitch['closed'];
  /** Its pg_wal. */
  readonly logDirectory?: string;
  readonly branch: { readonly timeline: number };
}

interface ArchivedFile {
  readonly name: SegmentName;
  readonly fileBytes: number;
  hash(): Promise<string | undefined>;
}

/**
 * Whether an archived file that does not continue the log before is proven to be of this server, which was put back then, and not of a
 * copy of it that archives to the same place: it is what pg_wal has under its name, or pg_wal has none any more and the server has passed
 * that place. A server keeps a segment that it could not archive.
 */
export async function isOwnFile({ closed, logDirectory, branch }: OwnServer, file: ArchivedFile): Promise<boolean> {
  const own = logDirectory === undefined ? undefined : hashOfStart(join(logDirectory, file.name), file.fileBytes);
  if (own !== undefined) return own === (await file.hash());
  return closed !== undefined && sameTimeline(closed.segment, branch.timeline) && file.name <= closed.segment;
}

export const sameTimeline = (name: SegmentName, timeline: number): boolean =>
  parseInt(name.slice(0, 8), 16) === timeline;
