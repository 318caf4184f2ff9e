import type { ServerIdentity } from './server-identity.ts';

/**
 * How database products differ, as data (design §3: an engine name is compared nowhere else). Paths are relative to the
 * data directory with `/`.
 */
export interface EngineProfile {
  /** Durable name in sets, resources and settings. */
  readonly name: string;
  readonly title: string;
  /** Server majors that may be backed up, both ends included. */
  readonly majors: { readonly from: number; readonly to: number };
  readonly files: EngineFiles;
  /**
   * How a server is told to recover: by settings and an empty `recovery.signal` (PostgreSQL 12 and later), or by a file
   * `recovery.conf` of its own, which it renames to `recovery.done` when it has recovered.
   */
  readonly recovery: 'signal' | 'recovery.conf';
  readonly exclusions: ExclusionRules;
  readonly tools: EngineTools;
  readonly defaults: EngineDefaults;
  /**
   * Schemas that may hold the system catalog under other names than PostgreSQL's, the best first; a session finds out at login
   * which names are there (core/engine/spelling.ts). Empty: PostgreSQL's own names, nothing is asked.
   */
  readonly catalogs: readonly CatalogNames[];
  /** What is asked, beside what is asked of every server, before a backup. */
  readonly questions: EngineQuestions;
  /** SQL whose spelling depends on the server major. */
  sql(major: number): EngineSql;
  /** Judges what `version()` answered. */
  identify(version: string): ServerIdentity;
  /** Name of the profile whose release a path or a program's words show; undefined when they show none. */
  releaseOf(traces: string): string | undefined;
  /** Server major by what a server program says to `--version`; undefined when it is a program of something else. */
  majorOfProgram(said: string): number | undefined;
}

export interface EngineFiles {
  readonly control: string;
  readonly version: string;
  readonly pid: string;
  /** What the server was started with; holds the path of its program. */
  readonly opts: string;
  readonly log: string;
  /** Holds one symbolic link per tablespace. */
  readonly tablespaces: string;
  readonly label: string;
  readonly tablespaceMap: string;
  readonly configuration: string;
  /** Written by the server itself; read last, so that it wins. */
  readonly autoConfiguration: string;
  readonly hba: string;
  readonly ident: string;
  /** Directories whose children are database directories. Tablespaces have theirs below `PG_<major>_<catalog version>`. */
  readonly databases: string;
  readonly shared: string;
  readonly tablespaceVersionPrefix: string;
  /** Where a server up to 14 keeps counters while it runs. */
  readonly statistics: string;
  /** Beginning of names of temporary files. */
  readonly temporaryPrefix: string;
  /** Beginning of the name of the Unix socket; the port follows. */
  readonly socketPrefix: string;
}

/** What a backup leaves out (PG manual "Backing Up The Data Directory", basebackup.c excludeDirContents, excludeFiles). */
export interface ExclusionRules {
  /** The directory stays, empty: a server without it does not start. */
  readonly contentsOf: readonly string[];
  /** Sub-directories inside `contentsOf` that stay too, when they exist. */
  readonly keptDirectories: readonly string[];
  /** Names left out in every directory. */
  readonly names: readonly string[];
  /** Paths left out at exactly this place. */
  readonly paths: readonly string[];
  /** Beginnings of names left out in every directory; a directory with such a name goes with its contents. */
  readonly prefixes: readonly string[];
}

export interface EngineTools {
  readonly server: string;
  /** Process titles under which the first server process may appear. */
  readonly processNames: readonly string[];
  readonly dump: string;
  readonly restore: string;
  /** Checks files against `backup_manifest`. */
  readonly verifyFiles: string;
  /** What a person works with: the SQL shell, and the program that stops a server. */
  readonly shell: string;
  readonly control: string;
  /** Where programs of a major are usually installed, beside what settings name. */
  programDirectories(major: number): readonly string[];
}

/** What an instance has unless its configuration says otherwise. */
export interface EngineDefaults {
  readonly port: number;
  readonly socket: string;
  readonly user: string;
  /** A database that is always there. */
  readonly database: string;
}

export interface CatalogNames {
  readonly schema: string;
  /** What stands for the `pg_` of PostgreSQL's names. */
  readonly prefix: string;
}

export interface EngineQuestions {
  /** Settings that tell how the instance was made; one that does not exist is no failure. */
  readonly modes: readonly string[];
  /** Name in lower case of the function that answers how many days the licence is valid, negative for ever. */
  readonly licenceDays?: string;
  /** One row per encrypted tablespace with `name`. */
  readonly encryptedTablespaces?: string;
  /** The vendor's own backup programs, which may own archive_command. */
  readonly vendorArchivers: readonly string[];
}

export interface EngineSql {
  /** Parameters: label text, is the checkpoint fast. One row `lsn`. */
  readonly beginBackup: string;
  /** Does not wait for the archive. One row `lsn` text, `label` bytea, `map` bytea: the files byte for byte in the encoding of the database. */
  readonly endBackup: string;
  /** Function signatures a role that is no superuser needs EXECUTE on. */
  readonly backupFunctions: readonly string[];
  /** Settings of a session that lives as long as a copy. */
  readonly sessionSettings: readonly string[];
}
