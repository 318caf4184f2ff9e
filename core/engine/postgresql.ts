import type { EngineProfile, EngineSql } from './profile.ts';

/** PostgreSQL 12–18. */
export const postgresql: EngineProfile = {
  name: 'postgresql',
  title: 'PostgreSQL',
  majors: { from: 12, to: 18 },
  files: {
    control: 'global/pg_control',
    version: 'PG_VERSION',
    pid: 'postmaster.pid',
    opts: 'postmaster.opts',
    log: 'pg_wal',
    tablespaces: 'pg_tblspc',
    label: 'backup_label',
    tablespaceMap: 'tablespace_map',
    configuration: 'postgresql.conf',
    autoConfiguration: 'postgresql.auto.conf',
    hba: 'pg_hba.conf',
    ident: 'pg_ident.conf',
    databases: 'base',
    shared: 'global',
    tablespaceVersionPrefix: 'PG_',
    statistics: 'pg_stat_tmp',
    temporaryPrefix: 'pgsql_tmp',
    socketPrefix: '.s.PGSQL.',
  },
  recovery: 'signal',
  exclusions: {
    contentsOf: [
      'pg_wal',
      'pg_replslot',
      'pg_dynshmem',
      'pg_notify',
      'pg_serial',
      'pg_snapshots',
      'pg_stat_tmp',
      'pg_subtrans',
    ],
    keptDirectories: ['pg_wal/archive_status', 'pg_wal/summaries'],
    names: [
      'postmaster.pid',
      'postmaster.opts',
      'postgresql.auto.conf.tmp',
      'current_logfiles.tmp',
      'backup_manifest',
      'backup_manifest.tmp',
    ],
    paths: [
      'backup_label',
      'backup_label.old',
      'tablespace_map',
      'tablespace_map.old',
      'recovery.signal',
      'standby.signal',
      'recovery.conf',
      'recovery.done',
    ],
    // The cache of relation descriptors is rebuilt at start; socket locks belong to the running server, our own marks to us.
    prefixes: ['pgsql_tmp', 'pg_internal.init', '.s.PGSQL.', '.holdfast-'],
  },
  tools: {
    server: 'postgres',
    processNames: ['postgres', 'postmaster'],
    dump: 'pg_dump',
    shell: 'psql',
    control: 'pg_ctl',
    restore: 'pg_restore',
    verifyFiles: 'pg_verifybackup',
    // Packages of Debian and Red Hat, then the source build.
    programDirectories: (major) => [
      `/usr/lib/postgresql/${String(major)}/bin`,
      `/usr/pgsql-${String(major)}/bin`,
      `/opt/postgresql/${String(major)}/bin`,
      '/usr/local/pgsql/bin',
      '/usr/local/bin',
      '/usr/bin',
    ],
  },
  defaults: { port: 5432, socket: '/var/run/postgresql', user: 'postgres', database: 'postgres' },
  catalogs: [],
  questions: { modes: [], vendorArchivers: [] },
  sql,
  identify: (version) => ({ title: version.split(',', 1)[0] ?? version }),
  releaseOf: () => undefined,
  majorOfProgram: (said) => {
    const major = /(\d+)(?:\.\d+|beta|rc|devel)/.exec(said)?.[1];
    return major === undefined ? undefined : Number(major);
  },
};

const endBackup = (call: string): string =>
  'select lsn::text as lsn, convert_to(labelfile, getdatabaseencoding()) as label,' +
  ` convert_to(spcmapfile, getdatabaseencoding()) as map from ${call}`;

/** The non-exclusive backup calls were renamed in 15 (PG 15 release notes, "Remove exclusive backup mode"). */
export function sql(major: number): EngineSql {
  const sessionSettings = [
    'set statement_timeout = 0',
    'set lock_timeout = 0',
    'set idle_in_transaction_session_timeout = 0',
    // A database whose sessions only read by default is restored and recovered like any other.
    'set default_transaction_read_only = off',
    // A client that went away is noticed in the middle of a call too: an abandoned session would hold backup mode.
    ...(major >= 14 ? ['set idle_session_timeout = 0', 'set client_connection_check_interval = 2000'] : []),
  ];
  if (major >= 15) {
    return {
      beginBackup: 'select pg_backup_start($1, $2)::text as lsn',
      endBackup: endBackup('pg_backup_stop(false)'),
      backupFunctions: ['pg_backup_start(text, boolean)', 'pg_backup_stop(boolean)', 'pg_switch_wal()'],
      sessionSettings,
    };
  }
  return {
    beginBackup: 'select pg_start_backup($1, $2, false)::text as lsn',
    endBackup: endBackup('pg_stop_backup(false, false)'),
    backupFunctions: ['pg_start_backup(text, boolean, boolean)', 'pg_stop_backup(boolean, boolean)', 'pg_switch_wal()'],
    sessionSettings,
  };
}
