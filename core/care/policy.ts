import { fail } from '../errors/fail.ts';
import { isZone } from '../run/rate-window.ts';

/** Days a period of the grandfather-father-son rule looks at: the newest full of each of the last N periods that have one. */
export interface GenerationCounts {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** IANA name of the time zone in which days begin. */
  readonly zone: string;
}

/** Which sets are kept: the last N fulls, all that a recovery window needs, or generations of fulls. */
export type RetentionRule =
  | { readonly kind: 'fulls'; readonly count: number }
  | { readonly kind: 'window'; readonly days: number }
  | ({ readonly kind: 'generations' } & GenerationCounts);

/** What is kept of one resource in one pool. Without a policy everything is kept. */
export interface RetentionPolicy {
  readonly rule: RetentionRule;
  /** Log older than this is kept only where a kept set needs it to be consistent. Absent: log as far back as the rule. */
  readonly logDays?: number;
  /** Good fulls that are kept whatever the rule says, 1 or more. */
  readonly minimumFulls: number;
}

/** Throws `retention_policy_bad` for a policy that contradicts itself. */
export function demandSound({ rule, logDays }: RetentionPolicy): void {
  if (rule.kind === 'window' && logDays !== undefined && logDays < rule.days)
    throw fail('retention_policy_bad', {
      what: `a window of ${String(rule.days)} days needs its log, and log is to be kept for ${String(logDays)} days only`,
    });
  if (rule.kind !== 'generations') return;
  if (rule.daily + rule.weekly + rule.monthly + rule.yearly === 0)
    throw fail('retention_policy_bad', { what: 'it keeps no generation at all' });
  if (!isZone(rule.zone)) throw fail('retention_policy_bad', { what: `${rule.zone} is no time zone` });
}

/** A policy in words, as it is shown and printed in reasons. */
export function policyText({ rule, logDays, minimumFulls }: RetentionPolicy): string {
  const log = logDays === undefined ? '' : `, log for ${String(logDays)} days`;
  return `${ruleText(rule)}${log}, never fewer than ${String(minimumFulls)} good full${minimumFulls === 1 ? '' : 's'}`;
}

function ruleText(rule: RetentionRule): string {
  if (rule.kind === 'fulls')
    return `the last ${rule.count === 1 ? 'good full' : `${String(rule.count)} good fulls`} and all that is newer`;
  if (rule.kind === 'window') return `every point of the last ${String(rule.days)} days`;
  const { daily, weekly, monthly, yearly, zone } = rule;
  return `${String(daily)} daily, ${String(weekly)} weekly, ${String(monthly)} monthly and ${String(yearly)} yearly fulls (${zone})`;
}
