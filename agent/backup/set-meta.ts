import { endSegmentOf } from '#core/backup/log-range.ts';
import type { OfflineOfSet, SetSummary } from '#core/backup/set-summary.ts';
import type { MemberOfSet, SetToCommit } from '#core/format/meta.ts';
import { oneAfterTheOther } from '#core/format/meta.ts';
import type { AttemptId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { Warning } from '#core/run/progress.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { CopyResult } from '#agent/copy/copy-request.ts';
import type { ServerFacts } from '#agent/database/server-facts.ts';
import type { DataDirectoryScan } from '#agent/datadir/scan.ts';
import type { Attempt, BegunBackup } from './attempt.ts';
import type { Building } from './incremental.ts';

export interface FinishedCopy {
  readonly attempt: Pick<Attempt, 'order' | 'deps' | 'pool'>;
  readonly attemptId: AttemptId;
  readonly begun: Pick<BegunBackup, 'control' | 'beginLsn' | 'history' | 'beganAtMs'> & {
    readonly inspected: {
      readonly facts: Pick<ServerFacts, 'timeline' | 'segmentBytes' | 'serverVersion' | 'systemId'>;
    };
  };
  readonly building: Building;
  readonly scan: DataDirectoryScan;
  readonly ended: { readonly endLsn: Lsn; readonly endedAtMs: number };
  readonly copied: CopyResult;
  /** Of a running primary, see `SetSummary`. */
  readonly endSegmentSha256?: string;
  /** Of a closed instance. */
  readonly offline?: OfflineOfSet;
}

/** Everything the set says about itself. */
export function setMetaOf(finished: FinishedCopy): SetToCommit {
  const { scan, copied } = finished;
  return {
    summary: summaryOf(finished),
    pieces: copied.pieces,
    frames: copied.frames,
    // A directory comes before what lies in it, the link of a tablespace before its content.
    members: oneAfterTheOther<MemberOfSet>([...scan.directories, ...scan.symlinks].sort(byPath), copied.members),
    damagedPages: copied.damagedPages,
  };
}

function summaryOf(finished: FinishedCopy): SetSummary {
  const { attempt, attemptId, begun, building, scan, ended, copied, offline, endSegmentSha256 } = finished;
  const { order, deps } = attempt;
  const { facts } = begun.inspected;
  const { timeline, segmentBytes } = facts;
  const { beginLsn } = begun;
  return {
    ...{ setId: order.setId, runId: order.runId, attemptId, resourceId: order.instance.resourceId },
    type: building.type,
    ...(building.link === undefined ? {} : { base: building.link }),
    engine: order.instance.engine,
    ...{ serverVersion: facts.serverVersion, systemId: facts.systemId, timeline },
    branchId: branchIdOf(begun.history, timeline),
    ...{ beginLsn, endLsn: ended.endLsn, backupEndLsn: ended.endLsn },
    beginSegment: segmentOf(timeline, beginLsn, segmentBytes),
    endSegment: endSegmentOf({ timeline, beginLsn, endLsn: ended.endLsn, segmentBytes }),
    ...(endSegmentSha256 === undefined ? {} : { endSegmentSha256 }),
    beganAt: instantFromMs(begun.beganAtMs),
    endedAt: instantFromMs(ended.endedAtMs),
    isConsistent: holdsLog(finished),
    ...{ hasChecksums: begun.control.hasChecksums, pageBytes: begun.control.pageBytes, segmentBytes },
    tablespaces: scan.tablespaces,
    fileCount: copied.fileCount,
    rawBytes: copied.rawBytes,
    storedBytes: sum(copied.pieces.map(({ storedBytes }) => storedBytes)),
    pieceCount: copied.pieces.length,
    isEncrypted: attempt.pool.key !== undefined,
    ...(offline === undefined ? {} : { offline }),
    warnings: [...building.warnings, ...damageWarnings(copied)],
    toolVersion: deps.toolVersion,
  };
}

/**
 * D-020, D-021: only a backup of an open instance can be without log. A closed one keeps what it needs to start: after a clean
 * shutdown that is the checkpoint alone, so its set is consistent also when no log was wanted.
 */
const holdsLog = ({ attempt, offline }: Pick<FinishedCopy, 'attempt' | 'offline'>): boolean =>
  offline !== undefined || attempt.order.options.isWithoutLog !== true;

const listedBlocks = 20;

/** One warning per file; the full list is `damagedPages` of the set. */
function damageWarnings({ damagedPages }: CopyResult): Warning[] {
  const blocksByPath = new Map<string, number[]>();
  for (const { path, block } of damagedPages) blocksByPath.set(path, [...(blocksByPath.get(path) ?? []), block]);
  return [...blocksByPath].map(([path, blocks]) => {
    const more = blocks.length > listedBlocks ? ` and ${String(blocks.length - listedBlocks)} more` : '';
    return {
      code: 'page_damaged',
      detail: `${path}: page checksum wrong in block ${blocks.slice(0, listedBlocks).join(', ')}${more}`,
    };
  });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const byPath = (a: { readonly path: string }, b: { readonly path: string }): number => (a.path < b.path ? -1 : 1);
