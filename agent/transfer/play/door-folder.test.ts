import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeDoorFolder, sweepDoors } from './door-folder.ts';

const folder = mkdtempSync(join(tmpdir(), 'h'));
const made: string[] = [];
afterAll(() => {
  for (const path of [folder, ...made]) rmSync(path, { recursive: true, force: true });
});

const door = (home: string): string => {
  const path = makeDoorFolder(home);
  made.push(path);
  return path;
};

test('K-108 doors that a killed agent left are swept by the next one of its home, and nothing else is', async () => {
  const [mine, other] = [join(folder, 'mine'), join(folder, 'other')];
  for (const home of [mine, other]) mkdirSync(home);
  const [empty, used, filled, open, theirs] = [door(mine), door(mine), door(mine), door(mine), door(other)];
  const server = createServer().listen(join(used, '.s.PGSQL.5432'));
  await once(server, 'listening');
  writeFileSync(join(filled, 'a file'), 'of somebody');
  chmodSync(open, 0o755);
  const link = `${empty}l`;
  made.push(link);
  symlinkSync(folder, link);
  expect([...sweepDoors(mine)].sort()).toEqual([empty, used].sort());
  server.close();
  expect([empty, used, filled, open, theirs, link].map((path) => existsSync(path))).toEqual([
    ...[false, false, true, true, true, true],
  ]);
  expect(sweepDoors(other)).toEqual([theirs]);
});
