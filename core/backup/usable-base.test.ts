import { describe, expect, test } from 'vitest';
import { testIds } from '#tests/support/catalog.ts';
import { sampleSet } from '#tests/support/samples.ts';
import { parseLsn } from '../wal/lsn.ts';
import type { InstanceNow } from './usable-base.ts';
import { whyNoBase } from './usable-base.ts';

const base = { ...sampleSet(testIds('res')), timeline: 1, branchId: 'one', endLsn: parseLsn('0/5000000') };
const now: InstanceNow = {
  engine: base.engine,
  serverMajor: Math.floor(base.serverVersion / 10_000),
  systemId: base.systemId,
  hasChecksums: base.hasChecksums,
  pageBytes: base.pageBytes,
  insertLsn: parseLsn('0/5000000'),
  timeline: 1,
  history: '',
  branchIdsOf: (timeline) => (timeline === 1 ? ['one'] : ['other']),
};

describe('a base of an incremental', () => {
  test('D-023 is usable on the same instance and branch', () => {
    expect(whyNoBase(base, now)).toBeUndefined();
  });

  test.each([
    ['system id', { systemId: '1' }],
    ['engine', { engine: 'other' }],
    ['major version', { serverMajor: 9 }],
    ['page size', { pageBytes: 1024 }],
    ['state of page checksums', { hasChecksums: !base.hasChecksums }],
  ])('is refused with another %s', (what, change) => {
    expect(whyNoBase(base, { ...now, ...change })).toMatch(new RegExp(`^its ${what} is `));
  });

  test('D-023 is usable from an ancestor that was left behind its end', () => {
    const later = { ...now, timeline: 3, history: '1\t0/5000000\tno recovery target\n\n2\t0/9000000\tx\n' };
    expect(whyNoBase(base, later)).toBeUndefined();
  });

  test('is refused when its end was abandoned, also by a later turn', () => {
    const left = { ...now, timeline: 2, history: '1\t0/4FFFFFF\tx\n' };
    expect(whyNoBase(base, left)).toMatch(/ends at 0\/5000000, behind 0\/4FFFFFF where timeline 1 was left/);
    const twice = { ...now, timeline: 3, history: '1\t0/6000000\tx\n2\t0/4000000\ty\n' };
    expect(whyNoBase(base, twice)).toMatch(/behind 0\/4000000/);
  });

  test('D-019 is refused when the instance was put back to before its end', () => {
    expect(whyNoBase(base, { ...now, insertLsn: parseLsn('0/4FFFFFF') })).toMatch(/put back to an earlier state/);
  });

  test('is refused from a timeline that does not lead here, and from another of the same number', () => {
    expect(whyNoBase({ ...base, timeline: 4 }, now)).toMatch(/does not lead to timeline 1/);
    expect(whyNoBase({ ...base, branchId: 'two' }, now)).toMatch(/another branch that has the same timeline number 1/);
  });
});
