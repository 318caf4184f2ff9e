import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { formatVersions } from '#core/format/version.ts';
import { errors } from '#core/errors/errors.ts';
import { memberKindsOfMeta } from './tiny-set.ts';

const document = readFileSync(new URL('../../docs/format.md', import.meta.url), 'utf8');

test('the version table of format.md is that of the code', () => {
  const rows = [...document.matchAll(/^\| *(\w+) *\| *(\d+) *\| *(\d+) *\| .* \|$/gm)].map(([, part, written, readable]) => [part, { written: Number(written), readable: Number(readable) }]);
  expect(Object.fromEntries(rows)).toEqual(formatVersions);
});

test('every error that format.md names for damage is registered', () => {
  const section = document.slice(document.indexOf('## 8.'), document.indexOf('## 9.'));
  const codes = [...section.matchAll(/`((?:pool|object|set|passphrase)_\w+)`/g)].map(([, code]) => code ?? '');
  expect(codes.length).toBeGreaterThan(9);
  for (const code of codes) expect(Object.keys(errors)).toContain(code);
});

test('every kind of line that is written is described', () => {
  for (const kind of memberKindsOfMeta) expect(document).toMatch(new RegExp(`^\\| \`${kind}\` *\\|`, 'm'));
});
