import type { Lsn } from '../wal/lsn.ts';
import { compareLsn } from '../wal/lsn.ts';

/** What a standby says of the log that it gets. */
export interface Downstream {
  readonly systemId: string;
  /** Timeline that it receives; absent when it receives none now: then that of its last checkpoint counts. */
  readonly receivedTimeline?: number;
  readonly timeline: number;
  /** How far it has received or replayed log; asked before its primary. */
  readonly reached: Lsn;
}

/** What the server says that was named as its primary. */
export interface NamedPrimary {
  readonly role: string;
  readonly systemId: string;
  readonly timeline: number;
  /** How far its log is on its disk. */
  readonly flushed: Lsn;
  /** Servers and programs that receive its log now. */
  readonly receivers: number;
}

/**
 * Why a server cannot be the one whose log a standby follows, directly or through other standbys (design §5); undefined when nothing speaks
 * against it. A copy of the primary has its system identifier, but its own timeline or end of log, or nobody who receives from it.
 */
export function notUpstream(standby: Downstream, primary: NamedPrimary): string | undefined {
  if (primary.role === 'standby') return 'it is a standby itself';
  if (primary.systemId !== standby.systemId)
    return `its system identifier is ${primary.systemId}, that of the standby ${standby.systemId}`;
  const { receivedTimeline } = standby;
  const known = receivedTimeline ?? standby.timeline;
  const isOther = receivedTimeline === undefined ? primary.timeline < known : primary.timeline !== known;
  if (isOther) return `it writes timeline ${String(primary.timeline)}, the standby follows timeline ${String(known)}`;
  if (compareLsn(primary.flushed, standby.reached) < 0)
    return `its log ends at ${primary.flushed}, the standby has log up to ${standby.reached}`;
  if (receivedTimeline !== undefined && primary.receivers === 0)
    return 'nobody receives its log, and the standby receives some';
  return undefined;
}
