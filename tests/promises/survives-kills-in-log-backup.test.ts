import { readdirSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { pollUntil } from '#scripts/supervisor/wait.ts';
import type { KillStage } from '../support/kill-stage.ts';
import {
  copyDirectory,
  killAndRestart,
  killable,
  openKillStage,
  runTimeoutMs,
  startCopy,
  startLogBackup,
  writeLog,
} from '../support/kill-stage.ts';
import { expectEqualCopy, expectSucceeded, segmentsInPool } from '../support/kill-proof.ts';

let stage: KillStage;
beforeAll(async () => {
  stage = await openKillStage(8);
  return () => stage.close();
});

const segmentCount = 6;
const limits = { transferBytesPerSecond: 1_048_576 };
const isSegment = (name: string): boolean => /^[0-9A-F]{24}$/.test(name);
const archived = (): readonly string[] => readdirSync(stage.source.archiveDirectory).filter(isSegment);

for (const part of killable) {
  test(`K-049 K-080 K-084 kill -9 of ${part} in the middle of a log backup: every archived segment reaches the pool once`, async () => {
    await writeLog(stage, segmentCount);
    const before = segmentsInPool(stage).length;
    const run = await startLogBackup(stage, limits);
    await pollUntil(() => Promise.resolve(segmentsInPool(stage).length >= before + 2 || undefined), {
      what: 'two segments in the pool',
      timeoutMs: runTimeoutMs,
    });
    const [put, waiting] = [segmentsInPool(stage), archived()];
    await killAndRestart(stage, part);
    await expectSucceeded(stage, run);
    const now = segmentsInPool(stage);
    expect(now).toEqual(expect.arrayContaining([...put]));
    for (const name of waiting) expect(now.filter(({ key }) => key.includes(name))).toHaveLength(1);
  });
}

test('K-080 K-096 after five kills the log has no gap, and a restore to the latest point equals the source', async () => {
  const { data } = await stage.api.get<{ data: Timeline[] }>('/resources/source/timeline');
  expect(data.flatMap(({ timeline }) => timeline.branches.map(({ gaps }) => gaps))).toEqual([[]]);
  const directory = copyDirectory(stage, 'latest');
  const run = await startCopy(stage, { directory });
  await expectEqualCopy(stage, await expectSucceeded(stage, run), directory);
});

interface Timeline {
  readonly timeline: { readonly branches: readonly { readonly gaps: readonly unknown[] }[] };
}
