import { describe, expect, test } from 'vitest';
import { inclusionOf } from '../backup/exclusion.ts';
import { kingbaseV8R3, kingbaseV8R6, kingbaseV9 } from './kingbase.ts';
import { postgresql } from './postgresql.ts';
import { engineLayouts, engineProfiles, profileOf } from './profiles.ts';

const included = (path: string) => inclusionOf(kingbaseV8R6.exclusions, path, path.slice(path.lastIndexOf('/') + 1));

describe('profiles of KingbaseES', () => {
  test.each([
    ['sys_wal', 'empty-directory'],
    ['sys_replslot', 'empty-directory'],
    ['sys_dynshmem', 'empty-directory'],
    ['sys_notify', 'empty-directory'],
    ['sys_serial', 'empty-directory'],
    ['sys_snapshots', 'empty-directory'],
    ['sys_stat_tmp', 'empty-directory'],
    ['kingbase.pid', 'leave-out'],
    ['kingbase.opts', 'leave-out'],
    ['backup_label.old', 'leave-out'],
    ['current_logfiles', 'leave-out'],
    ['base/16384/sys_internal.init', 'leave-out'],
    ['base/syssql_tmp', 'leave-out'],
    ['sys_aud', 'copy'],
    ['sys_csnlog', 'copy'],
    ['sys_bulkload', 'copy'],
    ['initdb.conf', 'copy'],
    ['es_rep.conf', 'copy'],
    ['something_of_a_later_release', 'copy'],
    ['base/16384/sys_filenode.map', 'copy'],
  ])('K-047 %s: %s, because what is not known is never left out', (path, inclusion) => {
    expect(included(path)).toBe(inclusion);
  });

  test('K-014 where its programs lie names the release of a directory; without a trace it is the oldest', () => {
    expect(engineLayouts).toEqual([postgresql, kingbaseV8R6, kingbaseV8R3]);
    const trace = '/opt/Kingbase/ES/V9/Server/bin/kingbase "-D" "/data"';
    expect(profileOf(kingbaseV8R6, trace)).toBe(kingbaseV9);
    expect(profileOf(kingbaseV8R6, '/home/kingbase/Server/bin/kingbase')).toBe(kingbaseV8R6);
    expect(profileOf(postgresql, '/opt/Kingbase/ES/V9/Server/bin/kingbase')).toBe(postgresql);
  });

  test.each([
    ['kingbase (KingbaseES) V008R006C008B0020', 12],
    ['kingbase (KingbaseES) V009R001C001B0024', 12],
    ['postgres (PostgreSQL) 12.22', undefined],
  ])('a program that says %j is taken for a server of major %s', (said, major) => {
    expect(kingbaseV8R6.majorOfProgram(said)).toBe(major);
  });

  test.each([
    ['postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)', 15],
    ['postgres (PostgreSQL) 18beta1', 18],
    ['kingbase', undefined],
  ])('PostgreSQL: %j is major %s', (said, major) => {
    expect(postgresql.majorOfProgram(said)).toBe(major);
  });

  test('K-014 V8R3 keeps its log under its older name and recovers by recovery.conf', () => {
    expect(kingbaseV8R3).toMatchObject({
      recovery: 'recovery.conf',
      files: { log: 'sys_xlog', control: 'global/sys_control' },
    });
    const ofV8R3 = (path: string) => inclusionOf(kingbaseV8R3.exclusions, path, path);
    expect([ofV8R3('sys_xlog'), ofV8R3('sys_wal')]).toEqual(['empty-directory', 'copy']);
    const trace = '/opt/Kingbase/ES/V9/Server/bin/kingbase';
    expect(profileOf(kingbaseV8R3, trace)).toBe(kingbaseV8R3);
  });

  test('every profile has a name of its own, and V9 shares all but the name with V8R6', () => {
    expect(new Set(engineProfiles.map(({ name }) => name)).size).toBe(engineProfiles.length);
    expect({ ...kingbaseV9, name: '', title: '' }).toEqual({ ...kingbaseV8R6, name: '', title: '' });
  });
});
