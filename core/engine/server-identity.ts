/** Why a server is not touched at all: codes of registered errors. */
export type Refusal = 'engine_build_blocked' | 'engine_storage_foreign' | 'engine_release_unproven' | 'engine_unknown';

/** What a server is, by its own words. Judged by the profile of its engine. */
export interface ServerIdentity {
  /** For people: product and build. */
  readonly title: string;
  /** Absent when it may be backed up. */
  readonly refusal?: Refusal;
  /** What an operator must know before relying on backups of it. */
  readonly limit?: string;
}
