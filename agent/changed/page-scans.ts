import type { Changed } from '#core/changed/changed-pages.ts';
import { comparablePlace } from '#core/changed/judge-file.ts';
import type { ChangedPagesRequest, Unusable, Usable } from './request.ts';
import { layoutOf } from './request.ts';

/**
 * Looks at every page: its LSN says whether it changed since the base began (engine.md §B, §I). Needs no log and no history,
 * but page checksums: without them VACUUM marks pages all-visible and leaves their LSN as it is (`visibilitymap_set`). The
 * map beside them is copied whole, so a page of the base below it would hide later deletions from index-only scans.
 * `wal_log_hints` is no proof: nobody knows whether it was on all the time since the base.
 */
export function openPageLsn(request: ChangedPagesRequest): Usable | Unusable {
  const { base, now } = request;
  if (!base.hasChecksums)
    return { unusable: 'without page checksums the server changes pages without changing their LSN', isExpected: true };
  return scanning(request, 'page-lsn', { kind: 'by-lsn', since: base.beginLsn, insertLsn: now.insertLsn });
}

/** Compares the content of every page with what the base holds. */
export const openContentHash = (request: ChangedPagesRequest): Usable =>
  scanning(request, 'content-hash', { kind: 'by-hash' });

function scanning(request: ChangedPagesRequest, source: 'page-lsn' | 'content-hash', changed: Changed): Usable {
  const layout = layoutOf(request);
  const changedIn: Usable['pages']['changedIn'] = (file) =>
    comparablePlace(file, layout) === undefined ? { kind: 'whole' } : changed;
  return { pages: { source, changedIn }, logBytesRead: 0, notes: [] };
}
