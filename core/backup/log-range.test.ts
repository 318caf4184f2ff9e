import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn, lsnToNumber } from '../wal/lsn.ts';
import { segmentOf, segmentStart } from '../wal/segment-name.ts';
import { endSegmentOf, segmentsOfBackup } from './log-range.ts';

const range = fc.record({
  timeline: fc.integer({ min: 1, max: 1000 }),
  begin: fc.integer({ min: 1, max: 2 ** 44 }),
  length: fc.integer({ min: 1, max: 2 ** 27 }),
  segmentBytes: fc.constantFrom(1, 16, 64, 1024).map((mebibytes) => mebibytes * 1048576),
});

test('D-013…D-016 the segments of a backup cover its log without gap and hold no segment too many', () => {
  fc.assert(
    fc.property(range, ({ timeline, begin, length, segmentBytes }) => {
      const backup = { timeline, beginLsn: formatLsn(begin), endLsn: formatLsn(begin + length), segmentBytes };
      const segments = segmentsOfBackup(backup);
      const starts = segments.map((name) => lsnToNumber(segmentStart(name, segmentBytes)));
      expect(segments[0]).toBe(segmentOf(timeline, backup.beginLsn, segmentBytes));
      expect(segments[segments.length - 1]).toBe(endSegmentOf(backup));
      starts.forEach((start, i) => {
        expect(start).toBe((starts[0] ?? 0) + i * segmentBytes);
      });
      const last = starts[starts.length - 1] ?? 0;
      expect(last).toBeLessThan(begin + length);
      expect(last + segmentBytes).toBeGreaterThanOrEqual(begin + length);
    }),
  );
});
