import type { Changed } from '#core/changed/changed-pages.ts';
import { comparablePlace } from '#core/changed/judge-file.ts';
import type { ChangedPagesRequest, Usable } from './request.ts';
import { layoutOf } from './request.ts';

/** Looks at every page: its LSN says whether it changed since the base began (engine.md §B, §I). Needs no log and no history. */
export function openPageLsn(request: ChangedPagesRequest): Usable {
  const { base, now } = request;
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
