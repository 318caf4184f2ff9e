import { expect, test } from 'vitest';
import { parseSegmentName } from '#core/wal/segment-name.ts';
import { isArchivedUpTo } from './standby.ts';

test('only the name of a segment says how far a primary archived, not that of a history or backup file', () => {
  const end = parseSegmentName('000000010000000000000007');
  const lasts = {
    '': false,
    '00000002.history': false,
    '000000010000000000000007.00000028.backup': false,
    '000000010000000000000008.partial': false,
    '000000010000000000000006': false,
    '000000010000000000000007': true,
    '000000020000000000000007': true,
  };
  for (const [last, isThere] of Object.entries(lasts)) expect(isArchivedUpTo(last, end), last).toBe(isThere);
});
