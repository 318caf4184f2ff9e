import { expect, test } from 'vitest';
import { parseId } from '../id.ts';
import type { RestorePlace } from './plan/plan.ts';
import type { RestoreRequest } from './request.ts';
import { planRestore } from './plan/plan-restore.ts';

const thrown = (code: string): Error => expect.objectContaining({ code }) as Error;
const request = (place: RestorePlace, changes: Partial<RestoreRequest> = {}): RestoreRequest => ({
  log: { sets: [], batches: [] },
  resourceName: 'orders',
  target: { at: 'latest' },
  place,
  tablespaceMap: {},
  isOpenedAfter: true,
  ...changes,
});

test.each(['relative/path', '/', '/srv/../etc', '/srv/back\\slash', '/srv/line\nfeed'])(
  'a copy to %j is refused',
  (directory) => {
    expect(() => planRestore(request({ kind: 'copy', directory }))).toThrow(thrown('target_path_bad'));
  },
);
test('K-098 a restore in place wants the name of the resource typed exactly', () => {
  const place = {
    kind: 'in-place',
    resourceId: parseId('res', `res_${'0'.repeat(32)}`),
    directory: '/srv/pg',
  } as const;
  expect(() => planRestore(request({ ...place, consent: 'Orders' }))).toThrow(thrown('consent_mismatch'));
  expect(() => planRestore(request({ ...place, consent: 'orders' }))).toThrow(thrown('no_set_to_restore'));
});
test('a timeline and a set that nobody knows are refused by name', () => {
  const copy = { kind: 'copy', directory: '/srv/copy' } as const;
  expect(() => planRestore(request(copy, { timeline: 7 }))).toThrow(thrown('timeline_unknown'));
  expect(() => planRestore(request(copy, { setId: parseId('set', `set_${'0'.repeat(32)}`) }))).toThrow(
    thrown('restore_set_unknown'),
  );
});
