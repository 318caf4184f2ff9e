import { identifyKingbase, parseKingbaseVersion } from './kingbase-version.ts';
import { postgresql, sql } from './postgresql.ts';
import type { EngineFiles, EngineProfile, ExclusionRules } from './profile.ts';

/** Names on disk since V8R6 (references: kingbase A.3); V8R3 has others. */
const files: EngineFiles = {
  control: 'global/sys_control',
  version: 'SYS_VERSION',
  pid: 'kingbase.pid',
  opts: 'kingbase.opts',
  log: 'sys_wal',
  tablespaces: 'sys_tblspc',
  label: 'backup_label',
  tablespaceMap: 'tablespace_map',
  configuration: 'kingbase.conf',
  autoConfiguration: 'kingbase.auto.conf',
  hba: 'sys_hba.conf',
  ident: 'sys_ident.conf',
  databases: 'base',
  shared: 'global',
  tablespaceVersionPrefix: 'SYS_',
  statistics: 'sys_stat_tmp',
  temporaryPrefix: 'syssql_tmp',
  socketPrefix: '.s.KINGBASE.',
};

/**
 * What is known is left out, everything else is copied: directories that only KingbaseES has (`sys_aud`, `sys_bulkload`,
 * `sys_csnlog`, those of later builds) may hold what a restored server needs (references: kingbase A.14 item 2).
 */
const exclusions: ExclusionRules = {
  contentsOf: [
    'sys_wal',
    'sys_replslot',
    'sys_dynshmem',
    'sys_notify',
    'sys_serial',
    'sys_snapshots',
    'sys_stat_tmp',
    'sys_subtrans',
  ],
  keptDirectories: ['sys_wal/archive_status'],
  names: ['kingbase.pid', 'kingbase.opts', 'kingbase.auto.conf.tmp', 'current_logfiles.tmp', 'backup_manifest'],
  paths: [...postgresql.exclusions.paths, 'current_logfiles'],
  prefixes: ['syssql_tmp', 'sys_internal.init', '.s.KINGBASE.', '.holdfast-'],
};

/** V8R6 and 8.6: built on PostgreSQL 12. */
export const kingbaseV8R6: EngineProfile = {
  name: 'kingbase-v8r6',
  title: 'KingbaseES V8R6',
  majors: { from: 12, to: 12 },
  files,
  recovery: 'signal',
  exclusions,
  tools: {
    server: 'kingbase',
    processNames: ['kingbase'],
    dump: 'sys_dump',
    shell: 'ksql',
    control: 'sys_ctl',
    restore: 'sys_restore',
    verifyFiles: 'sys_verifybackup',
    programDirectories: () => [
      '/opt/Kingbase/ES/V9/Server/bin',
      '/opt/Kingbase/ES/V8/Server/bin',
      '/KingbaseES/V9/Server/bin',
      '/KingbaseES/V8/Server/bin',
    ],
  },
  defaults: { port: 54321, socket: '/tmp', user: 'system', database: 'test' },
  catalogs: [
    { schema: 'sys_catalog', prefix: 'sys_' },
    { schema: 'pg_catalog', prefix: 'pg_' },
  ],
  questions: {
    modes: ['database_mode', 'enable_ci', 'case_sensitive'],
    licenceDays: 'get_license_validdays',
    encryptedTablespaces: `select spcname::text as name from pg_tablespace
                            where exists (select 1 from unnest(spcoptions) as o where lower(o) ~ '^encryption=(true|on|yes|1)$')`,
    vendorArchivers: ['sys_rman'],
  },
  sql,
  identify: identifyKingbase,
  releaseOf: (traces) => {
    const release = parseKingbaseVersion(traces)?.release;
    return release === undefined ? undefined : `kingbase-${release.toLowerCase()}`;
  },
  // V8R7 is taken for what its directory says: its programs answer for both.
  majorOfProgram: (said) => {
    const release = parseKingbaseVersion(said)?.release;
    return release === undefined ? undefined : { V7: 7, V8R2: 9, V8R3: 9, V8R6: 12, V8R7: 12, V9: 12 }[release];
  },
};

/**
 * V8R3 is built on PostgreSQL 9.6: older names, and `recovery.conf` (references: kingbase A.3). Its directories are recognised,
 * so that nothing is restored over them; login refuses it, because nothing of it is proven here but the shape of its recovery.
 */
export const kingbaseV8R3: EngineProfile = {
  ...kingbaseV8R6,
  name: 'kingbase-v8r3',
  title: 'KingbaseES V8R3',
  majors: { from: 9, to: 9 },
  files: { ...files, log: 'sys_xlog' },
  recovery: 'recovery.conf',
  exclusions: {
    ...exclusions,
    contentsOf: exclusions.contentsOf.map((name) => (name === files.log ? 'sys_xlog' : name)),
    keptDirectories: ['sys_xlog/archive_status'],
  },
};

/** V9 still reports 12.1 and lays its data directory out like V8R6. */
export const kingbaseV9: EngineProfile = { ...kingbaseV8R6, name: 'kingbase-v9', title: 'KingbaseES V9' };
