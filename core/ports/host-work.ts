import type { DiscoveredInstance, Finding, PreflightReport, ScratchFound } from '../agent/inspection.ts';
import type { Inspection, InspectionOf, OrderOf } from '../agent/order.ts';
import type { DrillFacts, DrillVerdict } from '../drill/drill.ts';
import type { TargetFound } from '../drill/drill-target.ts';
import type { SetSummary } from '../backup/set-summary.ts';
import type { Contents } from '../contents/contents.ts';
import type { NamesFound } from '../contents/wanted-names.ts';
import type { CareReport } from '../care/care-report.ts';
import type { ClaimVerdict, DeletionClaim, DeletionTold, TruncationNote } from '../care/care-task.ts';
import type { MarkOfSet } from '../care/mark.ts';
import type { ScrubNext, ScrubTold } from '../care/verification.ts';
import type { HooksOfRun } from '../hooks/hook.ts';
import type { RunId, SetId } from '../id.ts';
import type { TreePage } from '../logical/content-tree.ts';
import type { LogicalSetSummary } from '../logical/set-summary.ts';
import type { Warning } from '../run/progress.ts';
import type { PoolCopyReport } from '../care/pool-copy.ts';
import type { BatchSummary } from '../log/batch-summary.ts';
import type { KitFacts } from '../pool/recovery-kit.ts';
import type { LogRestoreReport } from '../log/log-restore-plan.ts';
import type { ExtractReport, LogReport, RestoreReport, VerifyReport } from '../restore/report.ts';
import type { SettleReport, TransferReport } from '../transfer/report.ts';
import type { PlacesTold } from '../transfer/task.ts';
import type { StepContext } from './step.ts';

/**
 * Everything an agent does for a run: the activities call these through injection, `agent/` implements them. Each is
 * safe to run again after it finished or was killed at any instant (design §4).
 */
export interface HostWork {
  takeFullBackup(order: OrderOf<'full-backup'>, step: StepContext): Promise<SetSummary>;
  takeLogBackup(order: OrderOf<'log-backup'>, step: StepContext): Promise<LogReport>;
  /** Ends by its signal only, or by what waiting cannot change. */
  streamLog(order: OrderOf<'log-stream'>, step: StepContext): Promise<LogReport>;
  restore(order: OrderOf<'restore'>, step: StepContext): Promise<RestoreReport>;
  /** Puts databases or tables of a point into a live instance. */
  recoverDatabases(order: OrderOf<'database-recovery'>, step: StepContext, tell: TellPlaces): Promise<TransferReport>;
  /** Puts databases or tables of a logical set into a live instance. */
  restoreLogicalSet(order: OrderOf<'logical-restore'>, step: StepContext, tell: TellPlaces): Promise<TransferReport>;
  /** Drops what a transfer replaced and kept, or puts it back. */
  settleTransfer(order: OrderOf<'settle-transfer'>, step: StepContext): Promise<SettleReport>;
  /** Makes a full of an incremental and all it builds on, from the pool alone. */
  mergeSet(order: OrderOf<'merge-set'>, step: StepContext): Promise<SetSummary>;
  /** Writes a file or relation of a set into an empty directory. */
  extractSet(order: OrderOf<'extract-set'>, step: StepContext): Promise<ExtractReport>;
  verifySet(order: OrderOf<'verify-set'>, step: StepContext): Promise<VerifyReport>;
  /** Restores to a scratch instance or to a marked one, looks at it and tells. */
  runDrill(order: OrderOf<'drill'>, step: StepContext, talk: DrillTalk): Promise<DrillVerdict>;
  /** Fetches log into an empty directory; nothing is recovered. */
  restoreLog(order: OrderOf<'log-restore'>, step: StepContext): Promise<LogRestoreReport>;
  /** Takes a logical backup of databases, schemas or tables (K-050). */
  takeLogicalBackup(order: OrderOf<'logical-backup'>, step: StepContext): Promise<LogicalSetSummary>;
  /** Reads a logical set back, or deletes those that were shown. */
  careForLogicalSets(order: OrderOf<'logical-care'>, step: StepContext): Promise<LogicalCareReport>;
  /** Which names of databases, schemas or tables are not in an instance or a set. */
  lookForNames(inspection: InspectionOf<'names'>): Promise<NamesFound>;
  /** What is in a running instance now, level by level (K-050). */
  lookAtTree(inspection: InspectionOf<'content-tree'>): Promise<TreePage>;
  /** Reads what is committed in a pool: the only source of `catalog rebuild`. */
  readPool(order: OrderOf<'rebuild'>, step: StepContext): AsyncIterable<FoundInPool>;
  /** Deletes what a plan says, or collects leftovers (design §4 "Leases"). */
  careForPool(order: OrderOf<'care'>, step: StepContext): Promise<CareReport>;
  /** Copies sets and log to another pool; yields what is committed there and then says what it did. */
  copyPool(order: OrderOf<'pool-copy'>, step: StepContext): AsyncGenerator<CommittedInPool, PoolCopyReport>;
  /** Writes a mark beside a set and returns all marks of that set. */
  markSet(inspection: Extract<Inspection, { kind: 'mark-set' }>): Promise<{ readonly marks: readonly MarkOfSet[] }>;
  discover(): Promise<readonly DiscoveredInstance[]>;
  preflight(inspection: Extract<Inspection, { kind: 'preflight' }>): Promise<PreflightReport>;
  /** Checks user, password and rights. Throws `login_refused`, `privilege_missing`. */
  checkLogin(
    inspection: Extract<Inspection, { kind: 'login' }>,
  ): Promise<{ readonly user: string; readonly isSuperuser: boolean }>;
  /** What a restore would meet at its place; touches nothing. */
  lookAtPlace(inspection: Extract<Inspection, { kind: 'place' }>): Promise<readonly Finding[]>;
  /** Looks at an instance that is to be a drill target, marks it or takes its mark away. */
  /** Where scratch instances of the host lie, and whether there is room for one. */
  lookAtScratch(inspection: InspectionOf<'scratch'>): Promise<ScratchFound>;
  /** Writes a canary as a log backup would and takes it back. Throws `canary_unwritable`, `canary_foreign`, `static_table_not_plain`, `static_table_slow`, `privilege_missing`. */
  tryCanary(inspection: InspectionOf<'canary'>): Promise<void>;
  askTarget(inspection: InspectionOf<'drill-target'>): Promise<TargetFound>;
  createPool(inspection: PoolInspection): Promise<void>;
  /** Writes, reads and removes a probe object. */
  testPool(inspection: PoolInspection): Promise<{ readonly freeBytes?: number }>;
  /** Gives an encrypted pool a new key. Throws `pool_not_encrypted`, `key_contended`. */
  rotateKey(inspection: PoolInspection): Promise<{ readonly version: number; readonly isNew: boolean }>;
  /** What a recovery kit of the pool holds. */
  kitFacts(inspection: PoolInspection): Promise<KitFacts>;
  /** What is in a set, by its metadata. */
  lookIntoSet(inspection: InspectionOf<'set-contents'>): Promise<Contents>;
}

/** What a drill asks and tells. Both may be repeated. */
export interface DrillTalk {
  tell(facts: DrillFacts): Promise<DrillVerdict>;
  /**
   * Says that the target is still marked with this token and belongs to this open run: nothing of it may be closed or moved without.
   * Throws `drill_target_unmarked`, `order_refused`.
   */
  confirmTarget(token: string): Promise<void>;
  /** Asked before a target is given back: true when the report of the drill is stored, else none will be any more. */
  closeReport(): Promise<boolean>;
}

/**
 * Tells durably what a swap is about to place, before it, and what it placed, after it; may be repeated. Throws `order_refused` for a run
 * that is over: then no swap begins.
 */
export type TellPlaces = (told: PlacesTold) => Promise<void>;

/** What the care for logical sets did, in figures, and what it left. */
export interface LogicalCareReport {
  readonly report: Readonly<Record<string, number>>;
  readonly warnings: readonly Warning[];
}

/** A question about a pool. */
export type PoolInspection = InspectionOf<'pool-create' | 'pool-test' | 'pool-rotate' | 'pool-kit'>;

export type CommittedInPool =
  | { readonly kind: 'set'; readonly set: SetSummary }
  | { readonly kind: 'batch'; readonly batch: BatchSummary }
  | { readonly kind: 'mark'; readonly mark: MarkOfSet };

/** What a rebuild finds: what is committed, and what plans have deleted. */
export type FoundInPool =
  | CommittedInPool
  | { readonly kind: 'truncation'; readonly note: TruncationNote }
  | { readonly kind: 'logical-set'; readonly set: LogicalSetSummary };

/** What an agent may ask and tell the API about (HTTPS `/agent/v1`, build.md "Credentials and channels"). */
export interface AgentChannel {
  order(
    runId: string,
  ): Promise<
    | OrderOf<'full-backup'>
    | OrderOf<'log-backup'>
    | OrderOf<'log-stream'>
    | OrderOf<'restore'>
    | OrderOf<'verify-set'>
    | OrderOf<'merge-set'>
    | OrderOf<'extract-set'>
    | OrderOf<'logical-backup'>
    | OrderOf<'logical-care'>
    | OrderOf<'no-op'>
    | OrderOf<'log-restore'>
    | OrderOf<'drill'>
    | OrderOf<'database-recovery'>
    | OrderOf<'logical-restore'>
    | OrderOf<'settle-transfer'>
    | OrderOf<'rebuild'>
    | OrderOf<'care'>
    | OrderOf<'pool-copy'>
  >;
  inspection(inspectionId: string): Promise<Inspection>;
  /** The scripts of a run of this host and what they are told. */
  hooks(runId: string): Promise<HooksOfRun>;
  /** Idempotent by set id and pool. `teller`: the copy that made it in its pool, when another run made the set. */
  putSet(set: SetSummary, teller?: RunId): Promise<void>;
  /** Idempotent by set id; `teller`: the run that found it in its pool. */
  putLogicalSet(set: LogicalSetSummary, teller?: RunId): Promise<void>;
  /** Asked right before a logical set is deleted; idempotent by run. */
  claimLogicalSet(runId: RunId, setId: SetId): Promise<ClaimVerdict>;
  /** Idempotent. */
  tellLogicalRemoval(runId: RunId, told: { readonly setId: SetId; readonly isGone: boolean }): Promise<void>;
  /** What reading a logical set back found; null: it is sound. Idempotent. */
  tellLogicalVerdict(runId: RunId, told: { readonly setId: SetId; readonly damage: string | null }): Promise<void>;
  /** Idempotent by batch id. `teller`: the log backup that found it in its pool, or the copy, when another run made it. */
  putBatch(batch: BatchSummary, teller?: RunId): Promise<void>;
  /** Idempotent by set and number; `teller` as above. */
  putMark(mark: MarkOfSet, teller?: RunId): Promise<void>;
  /** Idempotent by note; only while the host rebuilds the catalog from the pool that holds it. */
  putTruncation(note: TruncationNote): Promise<void>;
  /** Asked right before something is deleted; idempotent by run. */
  claimDeletion(runId: string, claim: DeletionClaim): Promise<ClaimVerdict>;
  /** What a drill found; answers what became of it. Idempotent by run. */
  tellDrill(runId: string, facts: DrillFacts): Promise<DrillVerdict>;
  /** Asked right before a drill target is closed, and again before it is replaced. Throws `drill_target_unmarked`, `order_refused`. */
  confirmTarget(runId: string, token: string): Promise<void>;
  /** True when the report of a drill is stored; else none will be any more. Of a run that is over, too. Idempotent. */
  closeReport(runId: string): Promise<boolean>;
  /** What a transfer swaps, so that it can be settled whatever becomes of its run. Idempotent. */
  tellPlaced(runId: string, told: PlacesTold): Promise<void>;
  /** What a scrub looks at next; what it reads is leased to it until it asks again. */
  nextToScrub(runId: string): Promise<ScrubNext>;
  /** Idempotent by run and object. */
  tellScrubbed(runId: string, told: ScrubTold): Promise<void>;
  /** Idempotent. */
  tellDeleted(runId: string, told: DeletionTold): Promise<void>;
  putLogLines(
    runId: string,
    lines: readonly { readonly at: string; readonly level: string; readonly message: string }[],
  ): Promise<void>;
}
