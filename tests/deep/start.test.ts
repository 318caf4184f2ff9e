import { afterAll, beforeAll, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { freePorts } from '#scripts/supervisor/free-port.ts';
import { requireFreePorts } from '#scripts/supervisor/port-holder.ts';
import type { RunningDemo } from '#tests/support/demo.ts';
import { processesOf, startDemo } from '#tests/support/demo.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';

let folder: Folder;
beforeAll(() => {
  folder = openFolder('hf-start-');
});
afterAll(() => {
  folder.remove();
});

const begun = (...args: readonly string[]): RunningDemo =>
  startDemo(folder.path, [process.execPath, '--import', 'tsx', 'scripts/start/main.ts', ...args], {
    HOLDFAST_HOME: folder.path,
  });
const done = async (...args: readonly string[]): Promise<{ end: string; said: string }> => {
  const started = begun(...args);
  const end = await started.end;
  return { end, said: started.said() };
};

/** The first of six ports in a row that nobody has. */
const sixFreePorts = async (): Promise<number> => {
  for (const base of await freePorts(20)) {
    const ports = { api: base, temporal: base + 1, temporalUi: base + 2, temporalHttp: base + 3 };
    const isFree = await requireFreePorts({ ...ports, temporalMetrics: base + 4, minio: base + 5 }).then(
      () => true,
      () => false,
    );
    if (isFree) return base;
  }
  throw bug('six free ports in a row are found');
};

test('npm start tells how it is used, and refuses what it does not know', async () => {
  expect(await done('--help')).toMatchObject({ end: '0', said: expect.stringContaining('--demo-instance') as string });
  const { end, said } = await done('--nonsense');
  expect(end).toBe('2');
  expect(said).not.toMatch(/\n\s+at /);
});

test('the demo instance of npm start is closed and opened while everything else goes on; nothing is left at the end', async () => {
  const base = await sixFreePorts();
  const start = begun('--port-base', String(base));
  expect(await start.untilSaid(/Ctrl-C stops everything/, 110_000), start.said()).toBe(true);
  expect(await done('--demo-instance', 'close')).toMatchObject({ end: '0' });
  expect(await start.untilSaid(/The demo instance is closed/, 20_000), start.said()).toBe(true);
  expect(processesOf(`${folder.path}/instance/data`)).toEqual([]);
  expect((await fetch(`http://127.0.0.1:${String(base)}/readyz`)).ok).toBe(true);
  expect(await done('--demo-instance', 'open')).toMatchObject({ end: '0' });
  expect(processesOf(`${folder.path}/instance/data`).length).toBeGreaterThan(0);
  if (start.process.pid === undefined) throw bug('a start that runs has a process');
  process.kill(start.process.pid, 'SIGINT');
  expect(await start.end, start.said()).toBe('0');
  expect(processesOf(folder.path)).toEqual([]);
});
