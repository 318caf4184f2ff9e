import { bug } from '../errors/fail.ts';
import type { AttemptId, RunId, SetId } from '../id.ts';
import type { SetSummary } from './set-summary.ts';

/** What differs between an incremental and the full that is made of its chain. */
export interface Merging {
  readonly setId: SetId;
  readonly runId: RunId;
  readonly attemptId: AttemptId;
  /** Hex SHA-256 of the stored `meta` of the incremental. */
  readonly metaSha256: string;
  readonly toolVersion: string;
}

/**
 * The head of a synthetic full: the state of the database that the incremental is of, so it has the same log range, times and
 * branch, and what was said about damaged pages stays said. How the incremental came about is not its story.
 */
export function mergedSummary(newest: SetSummary, { metaSha256, ...own }: Merging): SetSummary {
  const { base, warnings, ...head } = newest;
  if (base === undefined) throw bug(`${newest.setId} is a full: nothing is merged`);
  return {
    ...head,
    ...own,
    type: 'full',
    mergedFrom: { setId: newest.setId, metaSha256 },
    warnings: warnings.filter(({ code }) => code === 'page_damaged'),
  };
}
