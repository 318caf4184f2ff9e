import type { Instant } from '#core/instant.ts';
import { instantFromMs } from '#core/instant.ts';
import type { Plan } from '#core/plan/plan.ts';
import { offsetsOf } from '#core/plan/zone.ts';
import { timeText } from '#api/cli/terminal.ts';

const minuteMs = 60_000;
const two = (count: number): string => String(count).padStart(2, '0');

/** A time of a plan as the clock on the wall of its zone shows it, with the offset of that moment; in UTC without a zone. */
export function timeOfPlan(instant: Instant | undefined, plan: Plan | null): string {
  const zone = plan !== null && 'zone' in plan ? plan.zone : 'UTC';
  if (instant === undefined || zone === 'UTC') return timeText(instant);
  const ms = Date.parse(instant);
  const offset = offsetsOf(zone)(ms);
  const minutes = Math.abs(Math.round(offset / minuteMs));
  const sign = offset < 0 ? '-' : '+';
  const wall = instantFromMs(ms + offset)
    .slice(0, 19)
    .replace('T', ' ');
  return `${wall}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
