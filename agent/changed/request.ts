import type { SetSummary } from '#core/backup/set-summary.ts';
import type { ChangedPages, ChangedPagesSource } from '#core/changed/changed-pages.ts';
import type { FileLayout } from '#core/changed/relation-place.ts';
import type { ControlFile } from '#core/engine/control-file.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import type { Session } from '#agent/database/session.ts';
import type { Pool } from '#agent/pools/open-pool.ts';

/** Why a base that is on the way to the present by its facts may still be of a time that was given up. */
export interface DoubtOfBase {
  readonly why: string;
  /** The pool holds the log of the base up to its end: log that goes on from there to the present without a break is the proof. */
  readonly isByLog: boolean;
}

/** What is asked of a source: the pages that changed since a base began (D-038), as of the begin of backup mode. */
export interface ChangedPagesRequest {
  /** Backup mode has begun on it. */
  readonly session: Session;
  /** The caller has proved that it is usable: same system and checksums, on the way to the present. */
  readonly base: SetSummary;
  /** Absent: the base was proved to be of the present life of the server. */
  readonly doubt?: DoubtOfBase;
  /** Absent: the best that is available. */
  readonly wanted?: ChangedPagesSource;
  readonly now: {
    readonly beginLsn: Lsn;
    readonly insertLsn: Lsn;
    readonly timeline: number;
    /** Text of the history file of the timeline; '' on timeline 1. */
    readonly history: string;
  };
  readonly control: Pick<ControlFile, 'pageBytes' | 'pagesPerFile' | 'segmentBytes'>;
  /** Name of the engine profile. */
  readonly engine: string;
  readonly dataDirectory: string;
  readonly archiveDirectory: string | undefined;
  /** Its committed log is read. */
  readonly pool: Pool;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Why a source cannot answer. */
export interface Unusable {
  readonly unusable: string;
  /** True when the source is not offered here at all, which is nobody's fault. */
  readonly isExpected: boolean;
}

/** A source that can answer. */
export interface Usable {
  readonly pages: ChangedPages;
  /** Log and objects that were read to find out. */
  readonly logBytesRead: number;
  /** What was wrong and did not matter in the end. */
  readonly notes: readonly string[];
}

export const layoutOf = ({ control, engine }: ChangedPagesRequest): FileLayout => ({
  files: engineProfile(engine).files,
  pageBytes: control.pageBytes,
  pagesPerFile: control.pagesPerFile,
});
