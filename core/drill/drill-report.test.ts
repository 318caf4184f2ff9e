import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatId } from '../id.ts';
import { instantFromMs } from '../instant.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { parseLsn } from '../wal/lsn.ts';
import { parseTableName } from './canary.ts';
import type { DrillCheck, DrillFacts } from './drill.ts';
import { isPassed } from './drill.ts';
import { buildReport, predictRto, verdictOf } from './drill-report.ts';
import type { RecentDemand } from './recent.ts';
import { checkRecent } from './recent.ts';
import { reportPage } from './report-page.ts';

const id = <P extends 'run' | 'res' | 'host' | 'pool' | 'set'>(prefix: P) => formatId(prefix, 1, new Uint8Array(10));
const check = (verdict: DrillCheck['verdict'], name = 'opens'): DrillCheck => ({
  name,
  verdict,
  detail: 'x',
  seconds: 1,
});
const plan = {
  ...{ engine: 'postgresql', systemId: '7', setId: id('set'), timeline: 1, mustReach: parseLsn('0/5000000') },
  ...{ chain: [{ setId: id('set'), type: 'full', storedBytes: 1 }], segments: [] },
} as unknown as RestorePlan;
const facts: DrillFacts = { checks: [check('passed')], secondsByPhase: { fetch: 10, replay: 4, open: 1, checks: 90 } };
const planned = {
  ...{ plan, chooseSeconds: 0.5, plannedAt: instantFromMs(1_700_000_000_000) },
  coveredUntil: instantFromMs(1_700_000_000_000 - 90_000),
};
const about = {
  ...{ runId: id('run'), resource: { id: id('res'), name: 'a <b> & "c"' }, host: { id: id('host'), name: 'h' } },
  ...{ pool: { id: id('pool'), name: 'p' }, toolVersion: '0', previousSha256: 'before' },
};
const report = buildReport({ facts, planned, about, finishedMs: 1_700_000_100_000 });

describe('K-092 the report of a drill', () => {
  test('measures a recovery without the checks, and the loss from the moment that the pool covers', () => {
    expect(report.rto).toEqual({
      seconds: 15.5,
      secondsByPhase: { choose: 0.5, fetch: 10, replay: 4, open: 1, checks: 90 },
    });
    expect(report).toMatchObject({ isPassed: true, rpoSeconds: 90, previousSha256: 'before' });
    expect(verdictOf(report, 'hash')).toEqual({
      ...{
        isPassed: true,
        isComplete: true,
        failed: [],
        skipped: [],
        rtoSeconds: 15.5,
        rpoSeconds: 90,
        report: 'hash',
      },
    });
  });

  test('passes only when something was looked at and nothing failed', () => {
    expect(isPassed({ checks: [] })).toBe(false);
    expect(isPassed({ checks: [check('skipped')] })).toBe(false);
    expect(isPassed({ checks: [check('passed'), check('skipped')] })).toBe(true);
    expect(isPassed({ checks: [check('passed'), check('failed')] })).toBe(false);
  });

  test('fails when what the pool knows is older than was said; nothing passes by being recent alone', () => {
    const judged = (recent: RecentDemand, checks = facts.checks) =>
      buildReport({
        facts: { ...facts, checks },
        planned: { ...planned, recent },
        about,
        finishedMs: 1_700_000_100_000,
      });
    const kept = judged({ by: 'rpo-target', maxSeconds: 90 });
    expect([kept.isPassed, kept.checks.map(({ name, verdict }) => [name, verdict])]).toEqual([
      true,
      [
        ['opens', 'passed'],
        ['recent', 'passed'],
      ],
    ]);
    const broken = judged({ by: 'rpo-target', maxSeconds: 89 });
    expect(broken.isPassed).toBe(false);
    expect(verdictOf(broken, 'hash').failed).toEqual([
      `recent: the pool knew the database until ${planned.coveredUntil}, 90 s before the drill began; the RPO target allows 89 s`,
    ]);
    expect(judged({ by: 'drill-policy', maxSeconds: 86_400 }, []).isPassed).toBe(false);
    const { plannedAt } = planned;
    expect(checkRecent({ plannedAt, recent: { by: 'drill-policy', maxSeconds: 172_800 } })).toMatchObject({
      ...{ verdict: 'failed', detail: expect.stringContaining('the drill policy allows 2 d') as string },
    });
  });

  test('says that less was proven when something was not checked', () => {
    const some = { ...facts, checks: [check('passed'), check('skipped', 'canary')] };
    const less = buildReport({ facts: some, planned, about, finishedMs: 1_700_000_100_000 });
    expect(less).toMatchObject({ isPassed: true, isComplete: false });
    expect(verdictOf(less, 'hash')).toMatchObject({ isPassed: true, isComplete: false, skipped: ['canary: x'] });
    const page = reportPage(less, { text: '', sha256: 'hash', signature: 's', publicKey: 'k' });
    expect(page).toMatch(/PASSED — less was proven.*not checked/s);
  });

  test('is a page without scripts that loads nothing and shows names as text', () => {
    const page = reportPage(report, { text: '', sha256: 'hash', signature: 's', publicKey: '<k>' });
    expect(page).toContain('a &lt;b&gt; &amp; &quot;c&quot;');
    expect(page).not.toMatch(/<script|<b>|https?:|src=|<link|url\(/);
    expect(page).toContain('@page{size:A4');
  });

  test('foretells the next recovery: fetch grows with bytes, replay with log, nothing without a drill', () => {
    const last = { ...report, bytesWritten: 100, logSegments: 10 };
    expect(predictRto(undefined, { bytes: 1, logSegments: 1 })).toBeUndefined();
    expect(predictRto(last, { bytes: 100, logSegments: 10 })).toBe(15.5);
    expect(predictRto(last, { bytes: 200, logSegments: 30 })).toBe(0.5 + 20 + 12 + 1);
  });
});

test('K-092 a table of the canary is schema.table and nothing that ends a statement', () => {
  for (const good of ['public.t', 'a_1.b$', '"Ä b"."c.d"', '"a""b".c', '"; drop table x; --".t'])
    expect(parseTableName(good)).toBe(good);
  for (const bad of ['t', 'a.b.c', 'a.b; drop table x', 'a.b where true', '"a".', '."b"', 'a."b', '', '1a.b'])
    expect(() => parseTableName(bad)).toThrow(expect.objectContaining({ code: 'value_malformed' }));
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        // Outside of quotes nothing but words and one dot is left.
        expect(parseTableName(text).replaceAll(/"(?:[^"]|"")*"/gu, 'q')).toMatch(/^[\p{L}\p{N}_$]+\.[\p{L}\p{N}_$]+$/u);
      } catch (error) {
        expect(error).toMatchObject({ code: 'value_malformed' });
      }
    }),
  );
});
