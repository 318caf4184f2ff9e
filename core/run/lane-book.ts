import type { LaneKind } from './lane.ts';
import { admissible, blockerOf } from './lane.ts';
import type { LaneRequest, LaneVerdict } from './work-order.ts';

interface Entry {
  readonly key: string;
  readonly kind: LaneKind;
  readonly request: LaneRequest;
  readonly hasWaited: boolean;
}

/** Who holds a lane, who waits for it in which order, and which runs ended lately (so that a late repeat is not run twice). */
export interface LaneBook {
  readonly running: readonly Entry[];
  readonly waiting: readonly Entry[];
  readonly ended: readonly string[];
}

export const emptyLaneBook: LaneBook = { running: [], waiting: [], ended: [] };
const endedKept = 50;

/** Answers a request. Idempotent by run id: a repeat tells where the run stands now. */
export function enter(
  book: LaneBook,
  request: LaneRequest,
): { readonly book: LaneBook; readonly verdict: LaneVerdict } {
  const { runId: key, lane } = request.order;
  if (book.ended.includes(key)) return { book, verdict: { verdict: 'ended' } };
  if (book.running.some((entry) => entry.key === key)) return { book, verdict: { verdict: 'entered' } };
  const position = book.waiting.findIndex((entry) => entry.key === key);
  if (position >= 0) return { book, verdict: { verdict: 'waiting', position: position + 1 } };
  const blocker = blockerOf(lane.kind, [...book.running, ...book.waiting]);
  if (blocker !== undefined && request.whenBusy !== 'wait')
    return { book, verdict: { verdict: 'busy', holder: blocker.key } };
  const entry: Entry = { key, kind: lane.kind, request, hasWaited: blocker !== undefined };
  const next = { ...book, waiting: [...book.waiting, entry] };
  return {
    book: next,
    verdict: blocker === undefined ? { verdict: 'entered' } : { verdict: 'waiting', position: next.waiting.length },
  };
}

/** Incrementals that wait although a scheduled full of their family waits too: they give way to it (design §4). */
export function replacedIn({ waiting }: LaneBook): readonly Replaced[] {
  return waiting.flatMap(({ request: { order } }) => {
    const full =
      order.kind === 'incremental-backup' ? waiting.find((entry) => isFullFor(entry, order.lane.family)) : undefined;
    return full === undefined ? [] : [{ order, by: full.key }];
  });
}

export interface Replaced {
  readonly order: LaneRequest['order'];
  /** Run id of the full. */
  readonly by: string;
}

const isFullFor = ({ request: { order } }: Entry, family: string | undefined): boolean =>
  order.lane.isReplacing === true && family !== undefined && order.lane.family === family;

/** Moves everyone who may enter from waiting to running, and says who that is. */
export function admit(book: LaneBook): { readonly book: LaneBook; readonly entered: readonly Entry[] } {
  const entered = admissible(book.running, book.waiting);
  const waiting = book.waiting.filter((entry) => !entered.includes(entry));
  return { book: { ...book, running: [...book.running, ...entered], waiting }, entered };
}

/** Takes a run off the book and remembers that it ended. */
export function leave(book: LaneBook, key: string): LaneBook {
  const others = (entry: Entry): boolean => entry.key !== key;
  return {
    running: book.running.filter(others),
    waiting: book.waiting.filter(others),
    ended: [...book.ended.filter((k) => k !== key), key].slice(-endedKept),
  };
}
