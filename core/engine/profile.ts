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
  readonly exclusions: ExclusionRules;
  readonly tools: EngineTools;
  /** SQL whose spelling depends on the server major. */
  sql(major: number): EngineSql;
}

export interface EngineFiles {
  readonly control: string;
  readonly version: string;
  readonly pid: string;
  readonly log: string;
  /** Holds one symbolic link per tablespace. */
  readonly tablespaces: string;
  readonly label: string;
  readonly tablespaceMap: string;
  readonly configuration: string;
  /** Directories whose children are database directories. Tablespaces have theirs below `PG_<major>_<catalog version>`. */
  readonly databases: string;
  readonly shared: string;
  readonly tablespaceVersionPrefix: string;
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
