import { mkdirSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { lookAtOwner } from './look-at-owner.ts';

const question = { kind: 'place', tablespaces: [], bytes: 1, systemId: '1' } as const;
const isRoot = process.getuid?.() === 0;

test('K-119 the plan of a restore names the account that will own a copy, and refuses one that does not exist', () => {
  const folder = openFolder('hf-owner-');
  onTestFinished(() => {
    folder.remove();
  });
  const directory = join(folder.path, 'copy');
  const copy = { ...question, isCopy: true, directory };
  const own = userInfo().username;
  const told = (account: string): string => lookAtOwner(copy, account).detail;
  expect(told('nobody')).toBe(`files and server will belong to ${isRoot ? 'nobody' : own}`);
  expect(lookAtOwner(copy, 'no-such-account').verdict).toBe(isRoot ? 'fail' : 'ok');
  expect(told('4242:4242')).toBe(`files and server will belong to ${isRoot ? 'account 4242' : own}`);
});

test('K-119 the plan of a restore in place names the owner of the instance; root runs no server', () => {
  const folder = openFolder('hf-owner-');
  onTestFinished(() => {
    folder.remove();
  });
  const directory = join(folder.path, 'data');
  mkdirSync(directory);
  const found = lookAtOwner({ ...question, isCopy: false, directory }, 'nobody');
  expect(found.detail).toBe(`files and server will belong to ${isRoot ? 'nobody' : userInfo().username}`);
});
