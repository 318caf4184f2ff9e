import { describe, expect, test } from 'vitest';
import { instantFromMs } from '../instant.ts';
import { judgeDeleted } from './deleted-segment.ts';

const at = instantFromMs(1_700_000_000_000);
const [before, after] = [1_699_999_999_000, 1_700_000_001_000];

describe('a file in the place of log that a plan deleted', () => {
  const noted = { rawSha256: new Set(['a', 'b']), at };

  test('is that log when it has its content, however old it looks', () => {
    for (const mtimeMs of [before, after]) {
      expect(judgeDeleted(noted, { rawSha256: 'a', mtimeMs })).toBe('deleted');
      expect(judgeDeleted(noted, { rawSha256: 'b', mtimeMs })).toBe('deleted');
    }
  });

  test('is other log when it has other content, however old it looks', () => {
    for (const mtimeMs of [before, after]) expect(judgeDeleted(noted, { rawSha256: 'c', mtimeMs })).toBe('other');
  });

  test('is never taken for that log when its content was not noted: other log when it is younger', () => {
    const unnoted = { rawSha256: new Set<string>(), at };
    expect(judgeDeleted(unnoted, { rawSha256: 'a', mtimeMs: before })).toBe('unproven');
    expect(judgeDeleted(unnoted, { rawSha256: 'a', mtimeMs: after })).toBe('other');
  });
});
