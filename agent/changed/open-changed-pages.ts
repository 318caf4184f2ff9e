import type { ChangedPages, ChangedPagesSource } from '#core/changed/changed-pages.ts';
import { bug } from '#core/errors/fail.ts';
import type { Warning } from '#core/run/progress.ts';
import { openLogReferences } from './log-references.ts';
import { openContentHash, openPageLsn } from './page-scans.ts';
import type { ChangedPagesRequest, DoubtOfBase, Unusable, Usable } from './request.ts';
import { openWalSummary } from './wal-summary.ts';

export type { ChangedPagesRequest } from './request.ts';

/** A source, and why no better one was used. */
export interface OpenedChangedPages {
  readonly pages: ChangedPages;
  /** For the set: sources that should have worked, or were asked for, and did not. */
  readonly warnings: readonly Warning[];
  /** For the log of the run: sources that are not offered here, and damage that did not matter. */
  readonly notes: readonly string[];
  /** Log and objects that were read to find out. */
  readonly logBytesRead: number;
}

/** Best first. */
const sources: readonly {
  readonly name: ChangedPagesSource;
  open: (request: ChangedPagesRequest) => Promise<Usable | Unusable> | Usable | Unusable;
}[] = [
  { name: 'wal-summary', open: openWalSummary },
  { name: 'log', open: openLogReferences },
  { name: 'page-lsn', open: openPageLsn },
  { name: 'content-hash', open: openContentHash },
];

/**
 * Pages that changed since a time that was given up and before it are named by nothing that begins at the base. Log does prove that
 * it goes on from the base, record by record; content needs no proof.
 */
function barred(name: ChangedPagesSource, doubt: DoubtOfBase | undefined): Unusable | undefined {
  if (doubt === undefined || name === 'content-hash' || (name === 'log' && doubt.isByLog)) return undefined;
  return { unusable: doubt.why, isExpected: name === 'wal-summary' };
}

/**
 * Opens the best source of changed pages, or the one asked for; when it cannot answer, the next worse one, and says so
 * (design §5). To be called after the begin of backup mode and before any file is read. Throws `session_lost`,
 * `cancelled`, `archive_directory_unreadable`, and what the pool throws but for damage.
 */
export async function openChangedPages(request: ChangedPagesRequest): Promise<OpenedChangedPages> {
  const warnings: Warning[] = [];
  const notes: string[] = [];
  const from = Math.max(
    0,
    sources.findIndex(({ name }) => name === request.wanted),
  );
  for (const { name, open } of sources.slice(from)) {
    const opened = barred(name, request.doubt) ?? (await open(request));
    if ('pages' in opened) {
      notes.push(...opened.notes);
      return { pages: opened.pages, warnings, notes, logBytesRead: opened.logBytesRead };
    }
    const detail = `changed pages are not taken from ${name}: ${opened.unusable}`;
    if (opened.isExpected && name !== request.wanted) notes.push(detail);
    else warnings.push({ code: 'changed_pages_source', detail });
  }
  throw bug('no source of changed pages can be opened');
}
