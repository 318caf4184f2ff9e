import type { UnusableSets } from '../backup/usable-sets.ts';
import type { SetId } from '../id.ts';
import type { BatchSummary } from '../log/batch-summary.ts';
import type { CommittedLog } from '../log/coverage.ts';
import type { RestorePlace } from './plan/plan.ts';
import type { RestoreTarget } from './target.ts';
import type { RestoreWays } from './plan/ways.ts';

/** What a restore is asked to do, with everything committed for the database: one system id, maybe several instances. */
export interface RestoreRequest {
  readonly log: CommittedLog;
  /** Log of other pools: nothing is read there, but what is known there and not reached is told. */
  readonly elsewhere?: readonly BatchSummary[] | undefined;
  /** Sets found damaged or quarantined: neither they nor what builds on them is restored. Default: none. */
  readonly unusable?: UnusableSets;
  /** Name of the resource as the operator sees it: in place, the consent must equal it. */
  readonly resourceName: string;
  readonly target: RestoreTarget;
  /** Restore from this set only. Default: the set nearest before the target. */
  readonly setId?: SetId | undefined;
  /** Recovery branch by its timeline number. Default: the branch that the owner of the log writes now. */
  readonly timeline?: number | undefined;
  /** True: the operator named no timeline, `timeline` is the one that is written now by what all pools know. */
  readonly isTimelineFound?: boolean;
  readonly place: RestorePlace;
  /** Tablespace oid → new absolute path. In place, an unmapped tablespace goes back to where it was. */
  readonly tablespaceMap: Readonly<Record<string, string>>;
  /** K-107, default of the product: true. */
  readonly isOpenedAfter: boolean;
  /** K-110. */
  readonly configFile?: string | undefined;
  /** Absent: the usual. */
  readonly ways?: RestoreWays | undefined;
}
