import type { ResourceId } from '../id.ts';

/** What is done with the restored instance when the drill was told of. */
export const afterwardsWords = ['close', 'leave-open'] as const;
export type Afterwards = (typeof afterwardsWords)[number];

/** A registered instance in whose place a drill restores, instead of a scratch instance (K-092, K-105). */
export interface DrillTargetOfJob {
  readonly resourceId: ResourceId;
  readonly afterwards: Afterwards;
}

/** What the mark in a data directory says: the same token stands in the catalog. */
export interface TargetMark {
  readonly resourceId: ResourceId;
  readonly token: string;
}

/** An instance as the agent that has it must find it. */
export interface TargetInstance {
  readonly dataDirectory: string;
  /** Data directories of all other resources of the host: none of them may be it, by whatever path. */
  readonly others: readonly string[];
}

/** Question about an instance that is to be marked. */
export interface TargetQuestion extends TargetInstance {
  readonly kind: 'drill-target';
  /** `look` touches nothing. */
  readonly does: 'look' | 'mark' | 'unmark';
  readonly mark: TargetMark;
  /** System identifiers of databases that somebody else has or backs up: an instance with one of them is never marked. */
  readonly foreignSystems: readonly string[];
}

/** What the agent found there. */
export interface TargetFound {
  /** Its real path. */
  readonly directory: string;
  readonly systemId: string;
  readonly isRunning: boolean;
}

/** The target of a drill in its order. */
export interface DrillTargetOfOrder extends TargetInstance, TargetMark, Pick<DrillTargetOfJob, 'afterwards'> {
  readonly port: number;
}
