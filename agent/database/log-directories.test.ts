import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openFolder } from '#tests/support/folder.ts';
import { logDirectoriesOf } from './log-directories.ts';

const instance = (dataDirectory: string) => ({
  ...{ engine: 'postgresql', dataDirectory, port: 5432, socket: '/tmp', serverMajor: 15, systemId: '1' },
  isRunning: false,
});

test('K-082 an instance keeps log behind its pg_wal and where its archive_command says, also with a configuration elsewhere', () => {
  const folder = openFolder('hf-logs-');
  onTestFinished(() => {
    folder.remove();
  });
  const at = (...names: string[]): string => join(folder.path, ...names);
  for (const name of ['one', 'two', 'etc', 'log']) mkdirSync(at(name));
  symlinkSync(at('log'), at('one', 'pg_wal'));
  writeFileSync(at('one', 'postgresql.conf'), `archive_command = 'cp %p ${at('nowhere')}/%f'\n`);
  writeFileSync(at('one', 'postgresql.auto.conf'), `archive_command = 'cp %p ${at('archive')}/%f'\n`);
  writeFileSync(at('two', 'postmaster.opts'), `/bin/postgres "-D" "x" "-c" "config_file=${at('etc', 'main.conf')}"\n`);
  writeFileSync(at('etc', 'main.conf'), `archive_command = 'cp %p ${at('other')}/%f'\n`);
  const found = logDirectoriesOf([instance(at('one')), instance(at('two'))]);
  expect(found).toEqual([at('log'), at('archive'), at('two', 'pg_wal'), at('other')]);
});
