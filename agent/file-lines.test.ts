import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { linesOfFile } from './file-lines.ts';

const mebibyte = 1024 * 1024;

test('a file is read line by line, also where lines cross what is read at once, are empty or lack their end', () => {
  const folder = openFolder('hf-lines-');
  onTestFinished(() => {
    folder.remove();
  });
  const path = join(folder.path, 'lines');
  const long = `ä${'x'.repeat(2 * mebibyte)}é`;
  const cases = [
    '',
    '\n',
    'a',
    'a\n',
    'a\n\nb',
    `${'y'.repeat(mebibyte - 1)}\nz\n`,
    `${'y'.repeat(mebibyte)}\nz`,
    `a\n${long}\nb\n${long}`,
    `${'short line\n'.repeat(300_000)}end`,
  ];
  for (const text of cases) {
    writeFileSync(path, text);
    const expected = text.split('\n');
    if (expected[expected.length - 1] === '') expected.pop();
    expect([...linesOfFile(path)].join('|')).toBe(expected.join('|'));
  }
  expect(() => [...linesOfFile(join(folder.path, 'none'))]).toThrow('ENOENT');
});
