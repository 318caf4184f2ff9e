import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lockHome } from './home-lock.ts';

test('one home serves one agent; what a dead process left, or a reused pid, does not stand in the way', async () => {
  const home = mkdtempSync(join(tmpdir(), 'hf-home-'));
  const lock = await lockHome(home);
  await expect(lockHome(home)).rejects.toMatchObject({
    code: 'agent_already_running',
    params: { pid: String(process.pid) },
  });
  await lock.release();
  writeFileSync(join(home, 'agent.pid'), '4194304 77');
  await (await lockHome(home)).release();
  writeFileSync(join(home, 'agent.pid'), `${String(process.pid)} 77`);
  await (await lockHome(home)).release();
  rmSync(home, { recursive: true });
});
