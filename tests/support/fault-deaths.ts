import type { Fault, FaultPoint } from '#core/faults/fault-points.ts';
import { faultPointNames } from '#core/faults/fault-points.ts';

/** In the order of the sweep: what makes sets of an unchanged source, what changes it, what closes or replaces it. */
const deeds = [
  ...(['full-backup', 'incremental-backup', 'set-merge', 'pool-copy', 'logical-backup'] as const),
  ...(['log-backup', 'log-restore', 'copy'] as const),
  ...(['offline-backup', 'in-place', 'delta', 'swap'] as const),
] as const;
const closing: readonly Death['deed'][] = ['offline-backup', 'in-place', 'delta'];

/** What is done when the agent dies. A swap has a stage of its own: `kill-transfer.ts`. */
export type Deed = Exclude<(typeof deeds)[number], 'swap'>;

/** One death: where, the how manieth time, in the middle of what. */
export interface Death extends Fault {
  readonly deed: Deed | 'swap';
}

const once =
  (...deeds: readonly Death['deed'][]) =>
  (point: FaultPoint): readonly Death[] =>
    deeds.map((deed) => ({ deed, point, time: 1 }));

/** The second time in one thread: something is acknowledged already. */
const second =
  (...deeds: readonly Death['deed'][]) =>
  (point: FaultPoint): readonly Death[] =>
    deeds.map((deed) => ({ deed, point, time: 2 }));

/** Every point of the registry, and in the middle of what it is died at: the compiler refuses one that is left out. */
const deathsAt: Readonly<Record<FaultPoint, (point: FaultPoint) => readonly Death[]>> = {
  'backup.after-begin': once('full-backup'),
  'backup.after-base': once('incremental-backup'),
  'backup.before-put': second('full-backup'),
  'backup.after-put': second('full-backup', 'incremental-backup', 'set-merge', 'offline-backup'),
  'backup.after-barrier': second('full-backup'),
  'backup.after-acknowledge': second('full-backup', 'incremental-backup', 'set-merge', 'offline-backup'),
  'backup.before-end': once('full-backup'),
  'backup.after-end': once('full-backup', 'incremental-backup'),
  'backup.before-commit': once('full-backup', 'set-merge'),
  'backup.before-meta': once('full-backup', 'incremental-backup', 'pool-copy'),
  'backup.after-meta': once('full-backup', 'incremental-backup', 'set-merge', 'pool-copy', 'offline-backup'),
  'backup.after-commit': once('full-backup', 'incremental-backup', 'set-merge', 'offline-backup'),
  'offline.after-look': once('offline-backup'),
  'offline.after-copy': once('offline-backup'),
  'logical.after-start': once('logical-backup'),
  'logical.after-piece': second('logical-backup'),
  'logical.before-meta': once('logical-backup'),
  'logical.after-meta': once('logical-backup'),
  'log.after-switch': once('log-backup'),
  'log.before-segment': second('log-backup'),
  'log.after-segment': second('log-backup'),
  'log.before-batch': once('log-backup'),
  'log.after-batch': once('log-backup'),
  'log.before-tell': once('log-backup'),
  'log.after-tell': once('log-backup'),
  'log.before-delete': once('log-backup'),
  'log.after-delete': once('log-backup'),
  'pool-copy.after-piece': second('pool-copy'),
  'pool-copy.after-set': once('pool-copy'),
  'pool-copy.after-segment': second('pool-copy'),
  'pool-copy.before-batch': once('pool-copy'),
  'pool-copy.after-batch': once('pool-copy'),
  'log-restore.after-begin': once('log-restore'),
  'log-restore.after-segment': second('log-restore'),
  'log-restore.after-files': once('log-restore'),
  'log-restore.after-report': once('log-restore'),
  'restore.after-prepare': once('copy', 'in-place', 'delta'),
  'restore.after-piece': once('copy', 'in-place', 'delta'),
  'restore.after-write': once('copy', 'in-place', 'delta'),
  'restore.after-log': once('copy'),
  'restore.before-control': once('copy', 'in-place', 'delta'),
  'restore.after-control': once('copy', 'in-place', 'delta'),
  'restore.after-start': once('copy', 'in-place'),
  'restore.after-recover': once('copy'),
  'restore.after-report': once('copy'),
  'in-place.after-tail': once('in-place'),
  'in-place.before-aside': once('in-place'),
  'in-place.after-aside': once('in-place'),
  'in-place.before-open': once('in-place', 'delta'),
  'in-place.after-open': once('in-place'),
  'delta.after-journal': once('delta'),
  'delta.after-control': once('delta'),
  'swap.after-scratch': once('swap'),
  'swap.after-build': once('swap'),
  'swap.before-tell': once('swap'),
  'swap.before-swap': once('swap'),
  'swap.after-swap': once('swap'),
  'swap.after-tell': once('swap'),
  'swap.after-report': once('swap'),
  'work.before-record': once('full-backup', 'logical-backup', 'pool-copy', 'copy'),
  'work.after-record': once('full-backup', 'log-backup'),
};

/** All deaths of the sweep, deed by deed. */
export const allDeaths: readonly Death[] = faultPointNames
  .flatMap((point) => deathsAt[point](point))
  .sort((a, b) => deeds.indexOf(a.deed) - deeds.indexOf(b.deed));

export const nameOfDeath = ({ deed, point, time }: Death): string =>
  `${deed}, ${point}${time === 1 ? '' : ` (time ${String(time)})`}`;

/** True for a death in what closes the source: the connection of the stage is of no use after it. */
export const isOfClosed = ({ deed }: Death): boolean => closing.includes(deed);
