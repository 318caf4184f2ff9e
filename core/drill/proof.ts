import type { DrillCheck } from './drill.ts';

/**
 * Checks that a policy counts on, beside those that every drill makes (opens, identity, reached, apart): every page was read, every index and
 * table was compared, and replay got to the end of the log, which only a canary proves.
 */
export const countedOn = ['pages', 'structure', 'canary'] as const;

/** Names of checks that a policy may do without. A statement of the operator is none of them: who gives it to a drill wants it answered. */
export const acceptable = [...countedOn, 'static-tables'] as const;
type Acceptable = (typeof acceptable)[number];

/**
 * What a drill did not prove, by the names of its checks, whatever the cause: left out on request (`--no-pages`), never set up (no canary, no
 * page checksums, no amcheck on the host), or set up and not to be had this time. An owner who lives with a cause that lasts accepts it in the
 * policy, by name: a drill that proved less than it asks leaves the alarm on, for only a drill that proved all of it would have found
 * what such a one cannot find.
 */
export function unprovenOf(checks: readonly Pick<DrillCheck, 'name' | 'verdict'>[]): readonly string[] {
  const isPassed = (name: string): boolean => checks.some((one) => one.name === name && one.verdict === 'passed');
  const skipped = checks.filter(({ verdict }) => verdict === 'skipped').map(({ name }) => name);
  return [...new Set([...countedOn.filter((name) => !isPassed(name)), ...skipped])];
}

/** How old the last drill may be that proved enough, and what it need not have proven. */
export interface DrillPolicy {
  /** Absent: no alarm is raised. */
  readonly maxAgeHours?: number;
  readonly accepted: readonly Acceptable[];
}

/** Whether a drill that passed counts for a policy. The catalog asks the same as "is contained in" (stale-drills.ts). */
export const isEnough = (unproven: readonly string[], { accepted }: Pick<DrillPolicy, 'accepted'>): boolean =>
  unproven.every((name) => accepted.some((one) => one === name));
