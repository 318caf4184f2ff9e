import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseId } from '../id.ts';
import { parseInstant } from '../instant.ts';
import { retryDelayMs, retryDelaysMs } from './channel.ts';
import { durationText, parseDuration } from './duration.ts';
import type { HoldfastEvent } from './event.ts';
import { asksFor, isEventPattern } from './event-type.ts';
import { mailOf, payloadOf } from './message.ts';
import { isRpoBreached, isRtoBreached, stateOf } from './resource-status.ts';

const hourMs = 3_600_000;
const at = parseInstant('2026-11-21T08:12:20Z');
const runId = parseId('run', 'run_01a1fec49c04720ba635210859408701');
const failed: HoldfastEvent = {
  ...{ id: parseId('evt', 'evt_01a1fec49c04720ba635210859408702'), seq: 7, type: 'run.failed', at, runId },
  data: {
    resource: 'orders',
    kind: 'full-backup',
    code: 'pool_full',
    message: 'Pool\r\nBcc: evil@example.org is full',
  },
};

test('a channel asks by type, by group, for problems or for everything, and never for the tests of others', () => {
  expect(asksFor(['run.failed'], 'run.failed')).toBe(true);
  expect(asksFor(['run.*'], 'run.queued')).toBe(true);
  expect(asksFor(['run.*'], 'rpo.breached')).toBe(false);
  expect(asksFor(['problems'], 'run.succeeded')).toBe(false);
  for (const type of ['run.failed', 'run.warning', 'rpo.breached', 'rpo.recovered'] as const)
    expect(asksFor(['problems'], type)).toBe(true);
  expect(asksFor(['*'], 'host.offline')).toBe(true);
  expect(asksFor(['*', 'channel.*'], 'channel.test')).toBe(false);
  expect(['*', 'problems', 'log.*', 'drill.stale'].every(isEventPattern)).toBe(true);
  expect(['run', 'run.', 'sets.*', '', '**'].some(isEventPattern)).toBe(false);
});

test('a message is tried at least eight times again over about a day, and never at the same moment by everybody', () => {
  expect(retryDelaysMs.length).toBeGreaterThanOrEqual(8);
  const total = (chance: number): number =>
    retryDelaysMs.reduce<number>((sum, _delay, i) => sum + (retryDelayMs(i + 1, chance) ?? 0), 0);
  expect(total(0.5)).toBeGreaterThan(22 * hourMs);
  expect(total(0.5)).toBeLessThan(26 * hourMs);
  expect(total(0)).toBeLessThan(total(0.999));
  expect(retryDelayMs(retryDelaysMs.length + 1, 0.5)).toBeUndefined();
});

test('a mail says what happened in both languages, and nothing in it can add a header', () => {
  const { subject, text } = mailOf(failed);
  expect(subject).toBe('[Holdfast] Run failed: full-backup of orders');
  expect(text).toContain('运行失败');
  expect(text).toContain(`holdfast run logs ${runId}`);
  expect(text).toContain('Pool Bcc: evil@example.org is full');
  expect(mailOf({ ...failed, data: { resource: 'a\r\nBcc: b@c.de' } }).subject).not.toMatch(/[\r\n]/);
});

test('a webhook gets type, time, ids and where to ask for more', () => {
  expect(JSON.parse(payloadOf(failed))).toMatchObject({
    ...{ type: 'run.failed', timestamp: at },
    data: { id: failed.id, seq: 7, runId, resource: 'orders', href: `/api/v1/runs/${runId}` },
  });
});

test('an RPO target is missed by age, or by having nothing to recover for longer than it allows', () => {
  const nowMs = Date.parse('2026-11-21T10:12:20Z');
  const of = (rpoSeconds: number | null, rpoTargetSeconds: number | null) =>
    isRpoBreached({ rpoSeconds, rpoTargetSeconds, targetSetAt: at }, nowMs);
  expect([of(899, 900), of(900, 900), of(901, 900), of(5, null)]).toEqual([false, false, true, false]);
  expect([of(null, 7100), of(null, 7300)]).toEqual([true, false]);
  expect(isRtoBreached({ rtoSeconds: 61, rtoTargetSeconds: 60 })).toBe(true);
  expect(isRtoBreached({ rtoSeconds: null, rtoTargetSeconds: 60 })).toBeUndefined();
});

test('the state of a resource is the worst that holds', () => {
  const fine = {
    ...{
      id: parseId('res', 'res_01a1fec43b3b775480f3987f8e30ec0b'),
      resource: 'orders',
      host: 'db1',
      isHostOnline: true,
    },
    ...{ hostId: parseId('host', 'host_01a1fec434617bbc88acbb2e852a90be'), lastSuccess: {}, latestRestorable: at },
    ...{ rpoSeconds: 10, rpoTargetSeconds: 60, rtoSeconds: null, rtoTargetSeconds: null, targetSetAt: at },
    ...{ lastDrill: null, logGaps: 0, needsLogin: false },
  };
  const now = Date.parse(at);
  expect(stateOf(fine, now)).toBe('ok');
  expect(stateOf({ ...fine, logGaps: 1 }, now)).toBe('attention');
  expect(stateOf({ ...fine, isHostOnline: false }, now)).toBe('attention');
  expect(stateOf({ ...fine, rpoSeconds: null }, now)).toBe('unprotected');
  expect(stateOf({ ...fine, needsLogin: true, rpoSeconds: 61 }, now)).toBe('breached');
});

test('times of targets are read as they are written', () => {
  expect([parseDuration('15m'), parseDuration('1h30m'), parseDuration('2d')]).toEqual([900, 5400, 172_800]);
  for (const wrong of ['', '15', '1.5h', '-1h', '1h 30m', 'h', '1w'])
    expect(() => parseDuration(wrong)).toThrow(/not a valid time/);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 1, max: 23 }), (minutes, hours) => {
      const seconds = hours * 3600 + minutes * 60;
      expect(parseDuration(durationText(seconds))).toBe(seconds);
    }),
  );
});
