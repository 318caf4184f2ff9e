import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { openVault } from './vault.ts';

test('a sealed secret opens only in its own row and only with its key', () => {
  const vault = openVault(randomBytes(32));
  const sealed = vault.seal('pass', 'login of a');
  expect(vault.open(sealed, 'login of a')).toBe('pass');
  expect(() => vault.open(sealed, 'login of b')).toThrow(/cannot be decrypted/);
  expect(() => openVault(randomBytes(32)).open(sealed, 'login of a')).toThrow(/cannot be decrypted/);
});
