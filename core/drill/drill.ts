import type { ResourceId, RunId } from '../id.ts';
import type { Instant } from '../instant.ts';
import type { RateLimits } from '../run/rate.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { DrillTargetOfJob } from './drill-target.ts';

/** A statement of the operator: read only, its first column of its first row as text must be what is expected. */
export interface DrillSql {
  readonly name: string;
  readonly database: string;
  readonly statement: string;
  readonly expected: string;
  /** 1–3600. */
  readonly timeoutSeconds: number;
}

/** What is looked at in a restored instance beside that it opens and is what it should be (K-092). */
export interface DrillChecks {
  /** Every page of every relation file. */
  readonly isPageChecked: boolean;
  /** Every B-tree index and table by the extension amcheck, where the server programs have it. */
  readonly isStructureChecked: boolean;
  readonly sql: readonly DrillSql[];
}

/** Content of a drill job: the newest good set and all log are chosen when a run begins (D-047). */
export interface DrillOfJob {
  readonly sourceId: ResourceId;
  readonly checks: DrillChecks;
  /** Absent: a scratch instance, which is removed. */
  readonly target?: DrillTargetOfJob;
  /** K-106, 1–255. */
  readonly channels: number;
  readonly limits: RateLimits;
}

/**
 * The row that a log backup wrote right before it closed its log: a drill that replays that log must find it. Tables that are
 * marked static are counted in the same transaction.
 */
export interface CanaryExpected {
  readonly database: string;
  readonly seq: number;
  readonly runId: RunId;
  readonly at: Instant;
  /** Why it is not that of the newest log backup. */
  readonly note?: string;
}

/** Why there is no canary to look for. */
export interface CanaryAbsent {
  readonly verdict: Exclude<DrillVerdictWord, 'passed'>;
  readonly why: string;
}

/** `skipped` is shown as "not checked". */
export type DrillVerdictWord = 'passed' | 'failed' | 'skipped';

/** As reports show it. */
export const wordOfVerdict = (verdict: DrillVerdictWord): string => (verdict === 'skipped' ? 'not checked' : verdict);

/** One thing that was looked at. */
export interface DrillCheck {
  /** Durable name: opens · identity · reached · apart · pages · structure · canary · static-tables · recent · sql: its own. */
  readonly name: string;
  readonly verdict: DrillVerdictWord;
  readonly detail: string;
  readonly seconds: number;
}

/** What an agent found, told to the API. */
export interface DrillFacts {
  readonly checks: readonly DrillCheck[];
  /** Wall time of fetch, replay, open and checks. */
  readonly secondsByPhase: Readonly<Record<string, number>>;
  readonly reachedLsn?: Lsn;
  readonly lastTransactionAt?: Instant;
  readonly timeline?: number;
  readonly bytesWritten?: number;
}

/** What became of a drill. */
export interface DrillVerdict {
  readonly isPassed: boolean;
  /** False: something was not checked, so that less was proven. */
  readonly isComplete: boolean;
  /** Names and findings of what failed. */
  readonly failed: readonly string[];
  readonly skipped: readonly string[];
  /** From the begin of planning until the database was open. */
  readonly rtoSeconds: number;
  /** Between the moment up to which the pool covers the database and the begin of the drill. */
  readonly rpoSeconds?: number;
  /** SHA-256 of the text of the signed report. */
  readonly report: string;
}

/** A drill that looked at nothing proves nothing. */
export const isPassed = ({ checks }: Pick<DrillFacts, 'checks'>): boolean =>
  checks.some(({ verdict }) => verdict === 'passed') && checks.every(({ verdict }) => verdict !== 'failed');

/** Everything that a drill looks at was looked at. */
export const isComplete = ({ checks }: Pick<DrillFacts, 'checks'>): boolean =>
  checks.every(({ verdict }) => verdict !== 'skipped');

/** Phases that a real recovery would take, in their order; the checks come on top. */
export const recoveryPhases = ['choose', 'fetch', 'replay', 'open'] as const;

/** What a real recovery would have taken. */
export const rtoOf = (secondsByPhase: Readonly<Record<string, number>>): number =>
  recoveryPhases.reduce((sum, phase) => sum + (secondsByPhase[phase] ?? 0), 0);
