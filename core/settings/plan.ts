import { z } from 'zod';
import { dateText } from '../plan/civil.ts';
import type { Plan } from '../plan/plan.ts';
import { wallOf, zoneOf } from '../plan/zone.ts';
import { isZone, weekdays } from '../run/rate-window.ts';

const zone = z
  .string()
  .max(60)
  .meta({ description: 'IANA time zone of all times and days', examples: ['Asia/Shanghai'] });
const clock = z
  .string()
  .regex(/^\d{2}:\d{2}(:\d{2})?$/, 'it must be a time of the day, such as 02:00')
  .meta({ description: 'time of the day', examples: ['02:00'] });
const day = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'it must be a day, such as 2026-11-21')
  .meta({ examples: ['2026-11-21'] });
const count = z.number().int();
const weekdaysShape = z.array(z.enum(weekdays)).max(7);

const onShape = z
  .union([
    z.object({ days: z.array(z.union([z.number().int().min(1).max(31), z.literal('last')])).max(32) }),
    z.object({
      weeks: z.array(z.union([z.literal([1, 2, 3, 4, 5]), z.literal('last')])).max(6),
      weekdays: weekdaysShape,
    }),
  ])
  .meta({ description: 'days of the month, or weekdays of its first to fifth or last week' });

const untimed = [z.object({ type: z.literal('immediate') }), z.object({ type: z.literal('manual') })] as const;
const once = z.object({ type: z.literal('once'), zone, date: day, at: clock });
const hourly = { type: z.literal('hourly'), zone, from: clock, to: clock, everyMinutes: count };
const daily = { type: z.literal('daily'), zone, at: clock, everyDays: count };
const weekly = { type: z.literal('weekly'), zone, at: clock, everyWeeks: count, weekdays: weekdaysShape };
const monthly = {
  type: z.literal('monthly'),
  zone,
  at: clock,
  months: z.array(count.min(1).max(12)).max(12),
  on: onShape,
};

/** A plan as it is kept. */
export const planShape: z.ZodType<Plan> = z.discriminatedUnion('type', [
  ...untimed,
  once,
  z.object({ ...hourly, startDate: day }),
  z.object({ ...daily, startDate: day }),
  z.object({ ...weekly, startDate: day }),
  z.object({ ...monthly, startDate: day }),
]);

const startDate = day
  .meta({ description: 'first day of the plan; intervals count from it. Today when absent' })
  .exactOptional();

/** A plan as it is asked for (K-074): what can be left out has a value. */
export const planBody = z
  .discriminatedUnion('type', [
    ...untimed,
    once,
    z.object({
      ...{ ...hourly, from: clock.default('00:00'), to: clock.default('23:59'), startDate },
      everyMinutes: count.meta({ description: 'minutes of real time from the begin of the window' }),
    }),
    z.object({ ...daily, everyDays: count.default(1), startDate }),
    z.object({ ...weekly, everyWeeks: count.default(1), startDate }),
    z.object({ ...monthly, months: monthly.months.default([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), startDate }),
  ])
  .meta({ id: 'Plan', description: 'when a job runs: one of the seven plans (K-004, K-051…K-057)' });
export type PlanBody = z.output<typeof planBody>;

/** A plan without `startDate` begins on the day that it is in its zone. */
export function planOf(body: PlanBody, nowMs: number): Plan {
  if (body.type === 'immediate' || body.type === 'manual' || body.type === 'once') return body;
  const today = isZone(body.zone) ? dateText(wallOf(zoneOf(body.zone), nowMs).day) : '';
  return { ...body, startDate: body.startDate ?? today };
}
