/** The server that a standby follows. Its password stands in the pass file, never here. */
export interface StandbyPrimary {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Absolute path on the agent host, readable for the owner of the copy (libpq "The Password File"). */
  readonly passFile?: string;
  /** Replication slot on the primary; made there by whoever runs it. */
  readonly slot?: string;
}

/** What is asked of a restore beside the usual, each by its own name; what is absent is as usual. */
export interface RestoreWays {
  /**
   * `files`: files and log are put into place and no server is started; the first start recovers as planned. `standby`: the
   * copy follows a primary instead of being promoted. Both make copies.
   */
  readonly endsAs?: 'files' | 'standby';
  readonly primary?: StandbyPrimary;
  /** The server's own pg_verifybackup reads every file before a server is started. */
  readonly provesFiles?: boolean;
  /** In place: files stay where they are and only pages that differ are written. There is no way back. */
  readonly isDelta?: boolean;
  /** What cannot be read from the pool becomes zeros, listed in the outcome. The name of the resource, typed. */
  readonly damageConsent?: string;
  /** A scratch instance (core/restore/scratch-place.ts): little memory, and no password on its private socket. */
  readonly isScratch?: boolean;
}

/** What must be typed to replace a resource in place: a delta restore keeps nothing of the old files, and its consent says so. */
export const consentFor = (resourceName: string, ways?: RestoreWays): string =>
  ways?.isDelta === true ? `overwrite ${resourceName}` : resourceName;
