import { fail } from '../errors/fail.ts';
import type { RestoreRequest } from './request.ts';

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
}

/** What must be typed to replace a resource in place: a delta restore keeps nothing of the old files, and its consent says so. */
export const consentFor = (resourceName: string, ways?: RestoreWays): string =>
  ways?.isDelta === true ? `overwrite ${resourceName}` : resourceName;

/** Throws `restore_ways_conflict`, `damage_consent_mismatch`. */
export function checkWays(request: RestoreRequest): void {
  const { ways = {}, resourceName: resource } = request;
  const why = conflictOf(request, ways);
  if (why !== undefined) throw fail('restore_ways_conflict', { why });
  const { damageConsent: given } = ways;
  if (given !== undefined && given !== resource)
    throw fail('damage_consent_mismatch', { given: given.slice(0, 80), resource });
}

function conflictOf(request: RestoreRequest, ways: RestoreWays): string | undefined {
  const isInPlace = request.place.kind === 'in-place';
  if (isInPlace && ways.endsAs !== undefined)
    return 'files without a server, and standbys, are made as copies (--to), not in place';
  if (!isInPlace && ways.isDelta === true)
    return 'only what differs (--delta) is written in place (--in-place): a copy begins empty';
  if (ways.damageConsent !== undefined && request.setId === undefined)
    return 'a damaged set (--accept-damage) is restored only when it is named (--set)';
  return conflictOfStandby(request, ways);
}

function conflictOfStandby({ target, isOpenedAfter }: RestoreRequest, ways: RestoreWays): string | undefined {
  const isStandby = ways.endsAs === 'standby';
  if (isStandby !== (ways.primary !== undefined))
    return 'a standby (--as-standby) and the primary that it follows (--primary-host) are named together';
  if (!isStandby) return undefined;
  if (target.at !== 'latest' && target.at !== 'immediate')
    return 'a standby follows its primary to the end: it begins from --latest or --immediate, not from a point between';
  return isOpenedAfter ? undefined : 'a standby is open for reading, it cannot be left closed (--closed)';
}
