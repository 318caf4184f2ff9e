import type { Instant } from '../instant.ts';
import type { DrillCheck } from './drill.ts';

/** How old the moment may be up to which the pool knows the database, and who says so. */
export interface RecentDemand {
  readonly by: 'rpo-target' | 'drill-policy';
  readonly maxSeconds: number;
}

interface Planned {
  readonly plannedAt: Instant;
  readonly coveredUntil?: Instant;
  readonly recent?: RecentDemand;
}

/** Seconds from a moment until a later one; 0 for one that is not later. */
export const ageOf = (moment: Instant, at: Instant): number =>
  Math.max(0, (Date.parse(at) - Date.parse(moment)) / 1000);

const wordOf = { 'rpo-target': 'the RPO target', 'drill-policy': 'the drill policy' } as const;

/**
 * What is proven is of now (K-092): a drill of backups that ended long ago, or that go to another pool by now, proves a past that nobody
 * wants back. Undefined when nobody said how old it may be.
 */
export function checkRecent({ plannedAt, coveredUntil, recent }: Planned): DrillCheck | undefined {
  if (recent === undefined) return undefined;
  const { by, maxSeconds } = recent;
  const allowed = `${wordOf[by]} allows ${spanOf(maxSeconds)}`;
  const found = (verdict: 'passed' | 'failed', detail: string): DrillCheck => ({
    name: 'recent',
    verdict,
    detail,
    seconds: 0,
  });
  if (coveredUntil === undefined)
    return found('failed', `nothing says until when the pool knows the database; ${allowed}`);
  const age = ageOf(coveredUntil, plannedAt);
  const detail = `the pool knew the database until ${coveredUntil}, ${spanOf(age)} before the drill began; ${allowed}`;
  return found(age > maxSeconds ? 'failed' : 'passed', detail);
}

/** `90 s`, `2.5 min`, `30 h`, `112 d`: rounded up, so that what is over a limit never reads like the limit. */
function spanOf(seconds: number): string {
  const unit = units.find(({ size }) => seconds >= 2 * size || seconds === size) ?? { size: 1, name: 's' };
  return `${String(Math.ceil((seconds / unit.size) * 10) / 10)} ${unit.name}`;
}

const units = [
  { size: 86_400, name: 'd' },
  { size: 3600, name: 'h' },
  { size: 60, name: 'min' },
] as const;
