import type { OrderOf } from '#core/agent/order.ts';
import { releaseMarker } from '#agent/datadir/writer-marker.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';

/** Removes the marks of this run from every place of its plan: they are data directories like any other from here on. */
export function releasePlaces({ plan, runId }: Pick<OrderOf<'restore'>, 'plan' | 'runId'>): void {
  for (const place of [plan.place.directory, ...Object.values(plan.tablespaceMap)])
    releaseMarker(canonicalPath(place), runId);
}
