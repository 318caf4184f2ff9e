import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseId } from '#core/id.ts';
import { dumpInto } from './dump-into.ts';

const folder = mkdtempSync(join(tmpdir(), 'h'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const program = (name: string, lines: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
};
const id = <K extends 'res' | 'run'>(kind: K) => parseId(kind, `${kind}_${'0'.repeat(32)}`);
const access = {
  ...{ resourceId: id('res'), engine: 'postgresql', dataDirectory: folder, socket: folder, port: 5432, systemId: '1' },
  login: { user: 'one', password: '', database: 'app' },
} as const;
const run = (dump: string, restore: string): Promise<void> =>
  dumpInto(
    {
      ...{ home: folder, args: [], clock: { nowMs: () => Date.now() }, onBytes: () => undefined },
      tools: { dump: program('dump', dump), restore: program('restore', restore), major: 18 },
      from: { access, database: 'app' },
      to: { access, database: 'then' },
    },
    {
      ...{ runId: id('run'), signal: new AbortController().signal, limits: () => ({}) },
      ...{ report: () => undefined, log: () => undefined },
    },
  );

test('K-108 a client program that fails by itself ends the run, one that lost its server or was killed is tried again', async () => {
  const takes = 'cat > /dev/null';
  await run('echo rows', takes);
  const failing = [
    ['echo "dump: error: no such thing" >&2; exit 1', takes, 'no such thing'],
    ['echo rows', 'echo "restore: error: not a valid archive" >&2; exit 1', 'not a valid archive'],
  ] as const;
  for (const [dump, restore, reason] of failing)
    await expect(run(dump, restore)).rejects.toMatchObject({
      ...{ code: 'transfer_tool_failed', isRetryable: false },
      params: { reason: expect.stringContaining(reason) as string },
    });
  const passing = [
    ['echo "dump: error: server closed the connection unexpectedly" >&2; exit 1', takes],
    ['kill -9 $$', takes],
    ['echo rows', `${takes}; kill -9 $$`],
  ] as const;
  for (const [dump, restore] of passing)
    await expect(run(dump, restore)).rejects.toMatchObject({ code: 'transfer_broken', isRetryable: true });
});
