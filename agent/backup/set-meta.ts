import { endSegmentOf } from '#core/backup/log-range.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { SetMeta } from '#core/format/meta.ts';
import type { AttemptId } from '#core/id.ts';
import { instantFromMs } from '#core/instant.ts';
import type { Warning } from '#core/run/progress.ts';
import { segmentOf } from '#core/wal/segment-name.ts';
import { branchIdOf } from '#agent/codec/hash.ts';
import type { CopyResult } from '#agent/copy/copy-request.ts';
import type { DataDirectoryScan } from '#agent/datadir/scan.ts';
import type { Attempt, BegunBackup } from './attempt.ts';
import type { EndedBackup } from './backup-mode.ts';
import type { Building } from './incremental.ts';

export interface FinishedCopy {
  readonly attempt: Attempt;
  readonly attemptId: AttemptId;
  readonly begun: BegunBackup;
  readonly building: Building;
  readonly scan: DataDirectoryScan;
  readonly ended: EndedBackup & { readonly endedAtMs: number };
  readonly copied: CopyResult;
}

/** Everything the set says about itself. */
export function setMetaOf(finished: FinishedCopy): SetMeta {
  const { scan, copied } = finished;
  return {
    summary: summaryOf(finished),
    pieces: copied.pieces,
    frames: copied.frames,
    // A directory comes before what lies in it, the link of a tablespace before its content.
    members: [...[...scan.directories, ...scan.symlinks].sort(byPath), ...copied.members],
    damagedPages: copied.damagedPages,
  };
}

function summaryOf(finished: FinishedCopy): SetSummary {
  const { attempt, attemptId, begun, building, scan, ended, copied } = finished;
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
    beganAt: instantFromMs(begun.beganAtMs),
    endedAt: instantFromMs(ended.endedAtMs),
    isConsistent: true,
    ...{ hasChecksums: begun.control.hasChecksums, pageBytes: begun.control.pageBytes, segmentBytes },
    tablespaces: scan.tablespaces,
    fileCount: copied.members.length,
    rawBytes: sum(copied.members.map(({ sizeBytes }) => sizeBytes)),
    storedBytes: sum(copied.pieces.map(({ storedBytes }) => storedBytes)),
    pieceCount: copied.pieces.length,
    isEncrypted: attempt.pool.key !== undefined,
    warnings: [...building.warnings, ...damageWarnings(copied)],
    toolVersion: deps.toolVersion,
  };
}

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
