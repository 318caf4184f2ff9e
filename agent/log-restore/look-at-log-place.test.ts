import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { markerName } from '#agent/datadir/writer-marker.ts';
import { openFolder } from '#tests/support/folder.ts';
import { lookAtLogPlace } from './look-at-log-place.ts';

function openGround() {
  const folder = openFolder('hf-look-');
  onTestFinished(() => {
    folder.remove();
  });
  const look = (path: string, bytes = 1, logDirectories: readonly string[] = []) =>
    lookAtLogPlace({ directory: join(folder.path, path), bytes }, { logDirectories, account: '1:1' }).map(
      ({ check, verdict }) => `${check} ${verdict}`,
    );
  return { ...folder, look, at: (...names: string[]) => join(folder.path, ...names) };
}

test('K-091 what a fetch of log would refuse is found beforehand: taken, closed, too small, or no directory at all', () => {
  const { at, look, path } = openGround();
  expect(look('not/there/yet')).toEqual(['place ok', 'write ok', 'space ok']);
  expect(look('not/there/yet', Number.MAX_SAFE_INTEGER)).toEqual(['place ok', 'write ok', 'space fail']);
  mkdirSync(at('empty'));
  expect(look('empty')).toEqual(['place ok', 'write ok', 'space ok']);
  expect(look('empty', 1, [at('empty')])).toEqual(['place fail', 'write ok', 'space ok']);
  mkdirSync(at('begun'));
  writeFileSync(at('begun', markerName), 'run_of_somebody');
  expect(look('begun')).toEqual(['place fail', 'write ok', 'space ok']);
  mkdirSync(at('closed'));
  chmodSync(at('closed'), 0o500);
  expect(look('closed/log')).toEqual(['place ok', 'write fail', 'space ok']);
  writeFileSync(at('file'), '');
  expect(look('file/log')).toEqual(['place fail']);
  expect(readdirSync(path).sort()).toEqual(['begun', 'closed', 'empty', 'file']);
});
