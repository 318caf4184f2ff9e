import { describe, expect, test } from 'vitest';
import { kingbaseV8R6 } from './kingbase.ts';
import { spellingOf } from './spelling.ts';

const { catalogs } = kingbaseV8R6;
const spellWith = (...names: string[]) => spellingOf(new Set(names), catalogs);

describe('spelling of system names', () => {
  test('a name is taken from the first catalog that has it, and qualified', () => {
    const spell = spellWith('sys_catalog.sys_is_in_recovery', 'pg_catalog.pg_is_in_recovery', 'pg_catalog.pg_database');
    expect(spell('select pg_is_in_recovery(), datname from pg_database d')).toBe(
      'select sys_catalog.sys_is_in_recovery(), datname from pg_catalog.pg_database d',
    );
  });

  test('names from before PostgreSQL 10 are found, too', () => {
    const spell = spellWith('sys_catalog.sys_switch_xlog', 'sys_catalog.sys_current_xlog_insert_location');
    expect(spell('select pg_switch_wal(), pg_current_wal_insert_lsn()')).toBe(
      'select sys_catalog.sys_switch_xlog(), sys_catalog.sys_current_xlog_insert_location()',
    );
  });

  test('what stands in quotes, is qualified, or is nowhere stays as it is written', () => {
    const spell = spellWith('sys_catalog.sys_class', 'sys_catalog.sys_roles');
    for (const text of [`'pg_class'`, `'it''s pg_class'`, `"pg_class"`, 'c.pg_class', 'pg_catalog.pg_class', 'pg_lsn'])
      expect(spell(`select ${text}`)).toBe(`select ${text}`);
  });

  test('a signature is spelled by its name', () => {
    const spell = spellWith('sys_catalog.sys_start_backup');
    expect(spell('pg_start_backup(text, boolean, boolean)')).toBe(
      'sys_catalog.sys_start_backup(text, boolean, boolean)',
    );
  });
});
