import { fail } from '#core/errors/fail.ts';
import type { RestoreRequest } from '#core/restore/request.ts';
import type { RestoreWays } from './ways.ts';
import { cutText } from '../../text.ts';

/** Refuses ways of a restore that do not go together, before anything is touched. Throws `restore_ways_conflict`, `damage_consent_mismatch`. */
export function checkWays(request: RestoreRequest): void {
  const { ways = {}, resourceName: resource } = request;
  const why = conflictOf(request, ways);
  if (why !== undefined) throw fail('restore_ways_conflict', { why });
  const { damageConsent: given } = ways;
  if (given !== undefined && given !== resource)
    throw fail('damage_consent_mismatch', { given: cutText(given, 80), resource });
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
  if (isStandby && ways.primary === undefined)
    return '--as-standby needs the primary that the standby follows: add --primary-host and --primary-user';
  if (!isStandby && ways.primary !== undefined)
    return 'a primary (--primary-host) is followed by a standby only: add --as-standby, or leave the primary out';
  if (!isStandby) return undefined;
  if (target.at !== 'latest' && target.at !== 'immediate')
    return 'a standby follows its primary to the end: it begins from --latest or --immediate, not from a point between';
  return isOpenedAfter ? undefined : 'a standby is open for reading, it cannot be left closed (--closed)';
}
