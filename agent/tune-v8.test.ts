import { expect, test } from 'vitest';
import { exec } from './exec.ts';
import { flagsOfAgent } from './tune-v8.ts';

test('what an agent asks of V8 are options that this Node knows', async () => {
  // One that is not known would be passed over in silence at run time; on the command line it is refused.
  const asked = { command: process.execPath, timeoutMs: 60_000 };
  const known = await exec({ ...asked, args: [...flagsOfAgent, '-e', '0'] });
  expect(known).toMatchObject({ exitCode: 0, stderr: '' });
  const unknown = await exec({ ...asked, args: ['--interrupt-budgets=1', '-e', '0'] });
  expect(unknown.exitCode).not.toBe(0);
});
