import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { RestoreTarget } from '#core/restore/target.ts';

/** Refusals that say something about one pool only: another pool may still reach the point. */
const ofPool = new Set<string>([
  ...['no_set_to_restore', 'point_in_gap', 'point_before_first_set', 'point_after_latest', 'name_unknown'],
  ...['transaction_unknown', 'timeline_unknown', 'target_unproven', 'pool_out_of_reach'],
  ...['no_set_usable', 'point_needs_excluded_set', 'set_log_missing'],
]);

/** In another pool a point that moves, such as `latest`, may be an earlier one: nobody goes back there in silence. */
const ofMovingPoint = new Set<string>(['no_set_usable', 'point_needs_excluded_set', 'set_log_missing']);

/** A refusal that says something about one pool only; everything else is thrown on. */
export function demandOfPool(error: unknown): HoldfastError {
  if (!(error instanceof HoldfastError) || !ofPool.has(error.code)) throw error;
  return error;
}

/** A refusal after which the next pool is asked; everything else is thrown on. */
export function demandRefusal(asked: unknown, target: RestoreTarget): HoldfastError {
  const error = demandOfPool(asked);
  const isMoving = target.at === 'latest' || target.at === 'immediate';
  if (isMoving && ofMovingPoint.has(error.code)) throw error;
  return error;
}

/** Nearest points are printed with their time first, so their texts sort by time; `none` is no point. */
const point = (error: HoldfastError, side: 'before' | 'after'): string | undefined =>
  error.params[side] === 'none' ? undefined : error.params[side];

/**
 * Of the refusals of several pools the one that names the nearest reachable point: the latest before the target, else
 * the earliest after it, else the first. Undefined when there is none.
 */
export function nearestRefusal(refusals: readonly HoldfastError[]): HoldfastError | undefined {
  const [before] = refusals
    .filter((error) => point(error, 'before') !== undefined)
    .sort((a, b) => ((point(a, 'before') ?? '') < (point(b, 'before') ?? '') ? 1 : -1));
  const [after] = refusals
    .filter((error) => point(error, 'after') !== undefined)
    .sort((a, b) => ((point(a, 'after') ?? '') < (point(b, 'after') ?? '') ? -1 : 1));
  return before ?? after ?? refusals[0];
}
