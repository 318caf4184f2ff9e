import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bug } from '#core/errors/fail.ts';
import { waitFor } from '#scripts/supervisor/wait.ts';
import type { RunningDemo } from '#tests/support/demo.ts';
import { demoCommand, demoPidBelow, processesOf, startDemo } from '#tests/support/demo.ts';
import type { Folder } from '#tests/support/folder.ts';
import { openFolder } from '#tests/support/folder.ts';

let temporary: Folder;
const sceneMs = 120_000;
const endMs = 60_000;

beforeAll(() => {
  temporary = openFolder('hf-end-');
});
afterAll(() => {
  temporary.remove();
});

/** Starts as a person does. */
const throughNpm = (): RunningDemo =>
  startDemo(temporary.path, ['npm', 'run', '--silent', 'demo', '--', '--size', '64']);

const demoFolders = (): string[] => readdirSync(temporary.path).filter((name) => name.startsWith('holdfast-demo-'));
const isInDemo = (...path: readonly string[]): boolean =>
  demoFolders().some((name) => existsSync(join(temporary.path, name, ...path)));

const pidOf = ({ process }: RunningDemo): number => {
  if (process.pid === undefined) throw bug('a started demo has a process id');
  return process.pid;
};

const scenes = {
  'start-up': () => waitFor(() => isInDemo('catalog', 'data', 'postmaster.pid'), sceneMs),
  'a backup': (demo: RunningDemo) => demo.untilSaid(/killed the agent/, sceneMs),
  'a restore': (demo: RunningDemo) =>
    waitFor(() => /remember the moment/.test(demo.said()) && isInDemo('copy'), sceneMs),
  'the proof of an open copy': (demo: RunningDemo) => demo.untilSaid(/recover a copy to that moment/, sceneMs),
} as const;

const hands = {
  'Ctrl-C': (demo: RunningDemo) => process.kill(-pidOf(demo), 'SIGINT'),
  'SIGTERM to npm alone': (demo: RunningDemo) => process.kill(pidOf(demo), 'SIGTERM'),
  'SIGKILL to the demo alone': (demo: RunningDemo) => process.kill(demoPidBelow(pidOf(demo)) ?? 0, 'SIGKILL'),
} as const;

const cases: readonly (readonly [keyof typeof hands, keyof typeof scenes])[] = [
  ['Ctrl-C', 'start-up'],
  ['SIGTERM to npm alone', 'start-up'],
  ['SIGKILL to the demo alone', 'start-up'],
  ['Ctrl-C', 'a backup'],
  ['SIGKILL to the demo alone', 'a backup'],
  ['SIGTERM to npm alone', 'a restore'],
  ['SIGKILL to the demo alone', 'a restore'],
  ['SIGKILL to the demo alone', 'the proof of an open copy'],
];

test.each(cases)('%s in the middle of %s leaves no process and no folder of the demo', async (handName, sceneName) => {
  const demo = throughNpm();
  expect(await scenes[sceneName](demo), demo.said()).toBe(true);
  hands[handName](demo);
  await waitFor(() => processesOf(temporary.path).length === 0 && demoFolders().length === 0, endMs);
  expect({ processes: processesOf(temporary.path), folders: demoFolders() }, demo.said()).toEqual({
    processes: [],
    folders: [],
  });
  expect(await demo.end).not.toBe('0');
});

test('a demo that fails leaves no process, keeps its folder and says where', async () => {
  const demo = startDemo(temporary.path, demoCommand(), { HOLDFAST_TEMPORAL_BIN: '/bin/false' });
  expect(await demo.end).toBe('1');
  const [kept = ''] = demoFolders();
  expect(demo.said()).toContain(`stays in ${join(temporary.path, kept)}`);
  expect(processesOf(temporary.path)).toEqual([]);
  rmSync(join(temporary.path, kept), { recursive: true });
});

test('a demo runs to its proof after all these', async () => {
  const demo = startDemo(temporary.path, demoCommand());
  expect(await demo.end, demo.said()).toBe('0');
});

test('a demo reaps what an earlier one left when its guard was killed too', async () => {
  const first = startDemo(temporary.path, demoCommand());
  expect(await first.untilSaid(/full backup \(/, sceneMs), first.said()).toBe(true);
  const [left = ''] = demoFolders();
  // Why all at once: this is what the end of a container or of a machine does.
  process.kill(pidOf(first), 'SIGSTOP');
  for (const line of processesOf(join(temporary.path, left))) process.kill(Number(line.split(' ')[0]), 'SIGSTOP');
  const pids = processesOf(join(temporary.path, left)).map((line) => Number(line.split(' ')[0]));
  for (const pid of [...pids, pidOf(first)]) process.kill(pid, 'SIGKILL');
  expect(await first.end).toBe('SIGKILL');
  expect(demoFolders()).toEqual([left]);
  const second = startDemo(temporary.path, demoCommand());
  expect(await second.end, second.said()).toBe('0');
  expect(demoFolders()).toEqual([]);
});
