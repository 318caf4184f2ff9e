import type { HostId, PoolId, ResourceId, RunId, SetId } from '../id.ts';
import type { Instant } from '../instant.ts';
import { instantFromMs } from '../instant.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import type { Lsn } from '../wal/lsn.ts';
import type { CanaryAbsent, CanaryExpected, DrillCheck, DrillFacts, DrillVerdict } from './drill.ts';
import { isComplete, isPassed, recoveryPhases, rtoOf } from './drill.ts';
import type { DrillPolicy } from './proof.ts';
import { isEnough } from './proof.ts';
import type { RecentDemand } from './recent.ts';
import { ageOf, checkRecent } from './recent.ts';

interface Named<I> {
  readonly id: I;
  readonly name: string;
}

/** What was planned when the run began: a later attempt does the same. */
export interface PlannedDrill {
  readonly plan: RestorePlan;
  readonly plannedAt: Instant;
  /** Seconds that choosing took. */
  readonly chooseSeconds: number;
  /** Wall time up to which the pool knows the log of the database. */
  readonly coveredUntil?: Instant;
  /** Absent: nobody said how old that moment may be. */
  readonly recent?: RecentDemand;
  /** Absent: no log backup wrote one into the log that is replayed, see `canaryAbsent`. */
  readonly canary?: CanaryExpected;
  readonly canaryAbsent?: CanaryAbsent;
}

/** The proof that a database can be brought back: signed, and chained to the report before it of the same resource. */
export interface DrillReport {
  readonly format: 1;
  readonly runId: RunId;
  readonly resource: Named<ResourceId>;
  readonly host: Named<HostId>;
  /** The marked instance that was replaced; absent: a scratch instance. */
  readonly target?: Named<ResourceId>;
  readonly pool: Named<PoolId>;
  readonly isPassed: boolean;
  /** False: something was not checked, so that less was proven. */
  readonly isComplete: boolean;
  readonly plannedAt: Instant;
  readonly finishedAt: Instant;
  readonly engine: string;
  readonly systemId: string;
  readonly setId: SetId;
  /** Sets that were read, the full first. */
  readonly chain: readonly SetId[];
  readonly logSegments: number;
  readonly timeline: number;
  readonly mustReach: Lsn;
  readonly reachedLsn?: Lsn;
  readonly lastTransactionAt?: Instant;
  readonly coveredUntil?: Instant;
  readonly bytesWritten?: number;
  readonly rto: { readonly seconds: number; readonly secondsByPhase: Readonly<Record<string, number>> };
  readonly rpoSeconds?: number;
  readonly checks: readonly DrillCheck[];
  /** SHA-256 of the text of the report before it; '' for the first. */
  readonly previousSha256: string;
  readonly toolVersion: string;
}

/** A report as it is kept and handed out: `text` is what was signed, byte for byte. */
export interface SignedReport {
  /** JSON of a `DrillReport`. */
  readonly text: string;
  readonly sha256: string;
  /** Ed25519 over the UTF-8 bytes of `text`, base64. */
  readonly signature: string;
  /** Public key, PEM (SPKI). Whoever checks a report must know it from elsewhere. */
  readonly publicKey: string;
}

export interface ReportParts {
  readonly facts: DrillFacts;
  readonly planned: PlannedDrill;
  readonly about: Pick<
    DrillReport,
    'runId' | 'resource' | 'host' | 'target' | 'pool' | 'toolVersion' | 'previousSha256'
  >;
  readonly finishedMs: number;
}

export function buildReport({ facts, planned, about, finishedMs }: ReportParts): DrillReport {
  const { plan, plannedAt, coveredUntil } = planned;
  const secondsByPhase = { choose: planned.chooseSeconds, ...facts.secondsByPhase };
  const { reachedLsn, lastTransactionAt, bytesWritten } = facts;
  const recent = checkRecent(planned);
  const isRecent = recent?.verdict !== 'failed';
  return {
    ...{ format: 1, ...about, isPassed: isPassed(facts) && isRecent, isComplete: isComplete(facts) },
    ...{ plannedAt, finishedAt: instantFromMs(finishedMs) },
    ...{ engine: plan.engine, systemId: plan.systemId, setId: plan.setId, chain: plan.chain.map(({ setId }) => setId) },
    ...{ logSegments: plan.segments.length, timeline: facts.timeline ?? plan.timeline, mustReach: plan.mustReach },
    ...(reachedLsn === undefined ? {} : { reachedLsn }),
    ...(lastTransactionAt === undefined ? {} : { lastTransactionAt }),
    ...(bytesWritten === undefined ? {} : { bytesWritten }),
    ...(coveredUntil === undefined ? {} : { coveredUntil, rpoSeconds: ageOf(coveredUntil, plannedAt) }),
    rto: { seconds: rtoOf(secondsByPhase), secondsByPhase },
    checks: recent === undefined ? facts.checks : [...facts.checks, recent],
  };
}

const found = ({ name, detail }: DrillCheck): string => `${name}: ${detail}`;

/** What a run says of its report. What was not checked and the policy accepts (core/drill/proof.ts) is in the report, but no warning of the run. */
export const verdictOf = (
  report: DrillReport,
  sha256: string,
  accepted: DrillPolicy['accepted'] = [],
): DrillVerdict => ({
  isPassed: report.isPassed,
  isComplete: report.isComplete,
  failed: report.checks.filter(({ verdict }) => verdict === 'failed').map(found),
  skipped: report.checks
    .filter(({ verdict, name }) => verdict === 'skipped' && !isEnough([name], { accepted }))
    .map(found),
  rtoSeconds: report.rto.seconds,
  ...(report.rpoSeconds === undefined ? {} : { rpoSeconds: report.rpoSeconds }),
  report: sha256,
});

/** What is needed of a report to say how long the next recovery would take. */
export type DrillMeasure = Pick<DrillReport, 'rto' | 'logSegments' | 'bytesWritten'>;

/**
 * How long a recovery would take now, from the last passed drill: fetch grows with the bytes, replay with the log, the rest
 * stays. Undefined without a drill.
 */
export function predictRto(
  last: DrillMeasure | undefined,
  now: { readonly bytes: number; readonly logSegments: number },
): number | undefined {
  if (last === undefined) return undefined;
  const grown = (before: number | undefined, after: number): number =>
    before === undefined || before === 0 ? 1 : Math.max(after / before, 0);
  const factors = { fetch: grown(last.bytesWritten, now.bytes), replay: grown(last.logSegments, now.logSegments) };
  return recoveryPhases.reduce((sum, phase) => {
    const factor = phase === 'fetch' || phase === 'replay' ? factors[phase] : 1;
    return sum + (last.rto.secondsByPhase[phase] ?? 0) * factor;
  }, 0);
}
