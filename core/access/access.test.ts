import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { productVersion } from '../version.ts';
import { demand, may, roles } from './permission.ts';
import { isOlderVersion } from './version.ts';

test('only an administrator manages pools, and an auditor only reads', () => {
  expect(roles.filter((role) => may(role, 'manage-pools'))).toEqual(['administrator']);
  expect(may('auditor', 'read')).toBe(true);
  expect(() => {
    demand('auditor', 'run-restores');
  }).toThrow(/auditor/);
});

test('versions are compared by number, not by text', () => {
  expect(isOlderVersion('0.9.0', '0.10.0')).toBe(true);
  expect(isOlderVersion('0.10.0', '0.9.9')).toBe(false);
  expect(isOlderVersion('1.2.3-beta', '1.2.3')).toBe(false);
});

test('the product says the version of its package', () => {
  expect(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).toContain(
    `"version": "${productVersion}"`,
  );
});
