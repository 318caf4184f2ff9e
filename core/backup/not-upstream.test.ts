import { expect, test } from 'vitest';
import { parseLsn } from '../wal/lsn.ts';
import { notUpstream } from './not-upstream.ts';

const standby = { systemId: '7', timeline: 1, receivedTimeline: 1, reached: parseLsn('0/5000000') };
const primary = { role: 'primary', systemId: '7', timeline: 1, flushed: parseLsn('0/5000000'), receivers: 1 };
const { receivedTimeline, ...archiveOnly } = standby;

test('a server that may be upstream of a standby is taken, also by a standby that reads an archive only', () => {
  expect(receivedTimeline).toBe(1);
  expect(notUpstream(standby, primary)).toBeUndefined();
  expect(notUpstream(archiveOnly, { ...primary, receivers: 0 })).toBeUndefined();
  // No restartpoint since the standby followed its primary to timeline 2.
  expect(notUpstream({ ...standby, receivedTimeline: 2 }, { ...primary, timeline: 2 })).toBeUndefined();
  expect(notUpstream(archiveOnly, { ...primary, timeline: 2 })).toBeUndefined();
});

test('any other is refused with what gives it away', () => {
  const reasons = {
    'standby itself': { role: 'standby' },
    'system identifier is 8, that of the standby 7': { systemId: '8' },
    'writes timeline 2, the standby follows timeline 1': { timeline: 2 },
    'ends at 0/4FFFFFF, the standby has log up to 0/5000000': { flushed: parseLsn('0/4FFFFFF') },
    'nobody receives its log': { receivers: 0 },
  };
  for (const [reason, facts] of Object.entries(reasons))
    expect(notUpstream(standby, { ...primary, ...facts })).toContain(reason);
  expect(notUpstream({ ...archiveOnly, timeline: 3 }, { ...primary, timeline: 2 })).toContain('follows timeline 3');
});
