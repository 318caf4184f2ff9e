import type { PreflightReport } from '#core/agent/inspection.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { flagOf, textOf } from './session.ts';
import type { Session } from './session.ts';

/** What the server says about itself; asked before, and where it may change also after, a backup. */
export interface ServerFacts extends Omit<PreflightReport, 'findings' | 'archiveDirectory'> {
  readonly dataDirectory: string;
  readonly archiveCommand: string;
  readonly archiveLibrary: string;
  readonly configuration: { readonly main: string; readonly hba: string; readonly ident: string };
  /** Text of the last archiving failure when none succeeded since, else ''. */
  readonly archiverFailure: string;
  /** False when nothing was archived since the server began to count. */
  readonly hasArchived: boolean;
}

const factsQuery = `
  select pg_is_in_recovery() as is_standby,
         (select system_identifier::text from pg_control_system()) as system_id,
         (select timeline_id from pg_control_checkpoint()) as checkpoint_timeline,
         case when pg_is_in_recovery() then '' else pg_walfile_name(pg_current_wal_insert_lsn()) end as log_file,
         (case when pg_is_in_recovery() then coalesce(pg_last_wal_replay_lsn(), '0/0') else pg_current_wal_insert_lsn() end)::text as insert_lsn,
         current_setting('data_checksums') = 'on' as has_checksums,
         current_setting('wal_level') as wal_level,
         current_setting('archive_mode') as archive_mode,
         current_setting('archive_command') as archive_command,
         coalesce(current_setting('archive_library', true), '') as archive_library,
         (select setting from pg_settings where name = 'wal_segment_size') as segment_bytes,
         current_setting('data_directory') as data_directory,
         current_setting('config_file') as config_file,
         current_setting('hba_file') as hba_file,
         current_setting('ident_file') as ident_file,
         coalesce((select last_failed_wal from pg_stat_archiver
                    where last_failed_time > coalesce(last_archived_time, '-infinity')), '') as archiver_failure,
         exists (select from pg_stat_archiver where last_archived_time is not null) as has_archived`;

/** Throws `privilege_missing`, `session_lost`. */
export async function readServerFacts(session: Session): Promise<ServerFacts> {
  const row = await session.queryOne(factsQuery);
  const logFile = textOf(row, 'log_file');
  const timeline = logFile === '' ? Number(textOf(row, 'checkpoint_timeline')) : parseInt(logFile.slice(0, 8), 16);
  return {
    serverVersion: session.serverVersion,
    systemId: textOf(row, 'system_id'),
    timeline,
    role: flagOf(row, 'is_standby') ? 'standby' : 'primary',
    hasChecksums: flagOf(row, 'has_checksums'),
    walLevel: textOf(row, 'wal_level'),
    archiveMode: textOf(row, 'archive_mode'),
    archiveCommand: textOf(row, 'archive_command'),
    archiveLibrary: textOf(row, 'archive_library'),
    segmentBytes: Number(textOf(row, 'segment_bytes')),
    insertLsn: parseLsn(textOf(row, 'insert_lsn')),
    dataDirectory: textOf(row, 'data_directory'),
    configuration: { main: textOf(row, 'config_file'), hba: textOf(row, 'hba_file'), ident: textOf(row, 'ident_file') },
    archiverFailure: textOf(row, 'archiver_failure'),
    hasArchived: flagOf(row, 'has_archived'),
  };
}

/** Files that settings came from, next to the main one. Empty for a role that may not look. */
export async function readIncludedFiles(session: Session, configFile: string): Promise<readonly string[]> {
  const statement = `select distinct sourcefile from pg_settings where sourcefile is not null and sourcefile <> $1 order by 1`;
  return (await session.query(statement, [configFile])).map((row) => textOf(row, 'sourcefile'));
}
