import { z } from 'zod';
import type { LogTimeline } from '../../log/timeline.ts';
import { countShape, idShape, instantShape, lsnShape } from './words.ts';

const pointShape = z.looseObject({ lsn: lsnShape, at: instantShape });
const restorePointShape = z.looseObject({ name: z.string(), lsn: lsnShape, at: instantShape });

const stretchShape = z.looseObject({
  from: lsnShape,
  to: lsnShape,
  lastRecord: lsnShape,
  firstCommit: instantShape.exactOptional(),
  lastCommit: instantShape.exactOptional(),
  coveredUntil: instantShape,
  segmentCount: countShape,
  restorePoints: z.array(restorePointShape),
});

const branchShape = z.looseObject({
  branchId: z.string(),
  timeline: countShape,
  history: z.string().exactOptional(),
  parent: z.looseObject({ branchId: z.string(), forkLsn: lsnShape }).exactOptional(),
  stretches: z.array(stretchShape),
  gaps: z.array(
    z.looseObject({
      from: lsnShape,
      to: lsnShape,
      after: instantShape.exactOptional(),
      before: instantShape.exactOptional(),
    }),
  ),
});

const windowShape = z.looseObject({
  setId: idShape('set'),
  branchId: z.string(),
  timeline: countShape,
  from: pointShape,
  to: pointShape,
  lastCommit: instantShape.exactOptional(),
});

/** The recovery timeline of one database in one pool, as API, CLI and console show it (K-096). */
export const timelineShape: z.ZodType<LogTimeline> = z.looseObject({
  branches: z.array(branchShape),
  windows: z.array(windowShape),
  furthest: z.array(
    z.looseObject({ setId: idShape('set'), branchId: z.string(), timeline: countShape, to: pointShape }),
  ),
  currentBranchId: z.string().exactOptional(),
  earliest: pointShape.exactOptional(),
  latest: pointShape.exactOptional(),
  lastCommit: instantShape.exactOptional(),
  coveredUntil: instantShape.exactOptional(),
});
