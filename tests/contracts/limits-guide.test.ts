import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { resumeBuffer } from '#core/run/resume-buffer.ts';
import { parseLimit } from '#core/settings/rate-text.ts';

const guide = readFileSync(new URL('../../docs/guides/limits-and-interruptions.md', import.meta.url), 'utf8');

test('K-085 K-086 every limit that the guide shows can be typed as it stands', () => {
  const limits = [...guide.matchAll(/--(?:limit-transfer|limit-disk|transfer|disk) (?:'([^']+)'|(\d\S*))/g)];
  expect(limits.length).toBeGreaterThanOrEqual(5);
  for (const [, quoted, plain] of limits)
    expect(() => parseLimit(quoted ?? plain ?? '', 'Asia/Shanghai'), quoted ?? plain).not.toThrow();
});

test('K-110 the guide tells the range of the resume buffer as it is', () => {
  const inMebibytes = (bytes: number): string => String(bytes / 1_048_576);
  const range = `${inMebibytes(resumeBuffer.least)} to ${inMebibytes(resumeBuffer.most)}`;
  expect(guide).toContain(`(${range}, ${inMebibytes(resumeBuffer.usual)} by default; K-110)`);
});
