import { expect, test } from 'vitest';
import type { DrillVerdictWord } from './drill.ts';
import { isEnough, unprovenOf } from './proof.ts';

const check = (name: string, verdict: DrillVerdictWord = 'passed') => ({ name, verdict });
const always = ['opens', 'identity', 'reached', 'apart'].map((name) => check(name));
const whole = [...always, check('pages'), check('structure'), check('canary')];

test('K-092 a drill that made every check that is counted on left nothing unproven', () => {
  expect(unprovenOf(whole)).toEqual([]);
  expect(unprovenOf([...whole, check('static-tables'), check('sql: rows')])).toEqual([]);
});

test('K-092 what was left out, was never set up or could not be had is unproven alike', () => {
  expect(unprovenOf(always)).toEqual(['pages', 'structure', 'canary']);
  const some = [...always, check('pages', 'skipped'), check('structure'), check('canary', 'skipped')];
  expect(unprovenOf(some)).toEqual(['pages', 'canary']);
  expect(unprovenOf([...whole, check('static-tables', 'skipped')])).toEqual(['static-tables']);
  expect(unprovenOf([...always, check('pages', 'failed'), check('structure'), check('canary')])).toEqual(['pages']);
});

test('K-092 a policy does without what it accepts, and with nothing else', () => {
  expect(isEnough([], { accepted: [] })).toBe(true);
  expect(isEnough(['canary'], { accepted: [] })).toBe(false);
  expect(isEnough(['canary'], { accepted: ['canary', 'pages'] })).toBe(true);
  expect(isEnough(['canary', 'structure'], { accepted: ['canary'] })).toBe(false);
  expect(isEnough(['sql: rows'], { accepted: ['pages', 'structure', 'canary', 'static-tables'] })).toBe(false);
});
