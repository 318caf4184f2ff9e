import { setTimeout as wait } from 'node:timers/promises';
import { BlockReferences } from '#core/changed/block-references.ts';
import { changedByReferences } from '#core/changed/judge-file.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { TimelineStep } from '#core/wal/history-file.ts';
import { timelineSteps } from '#core/wal/history-file.ts';
import { compareLsn, parseLsn } from '#core/wal/lsn.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { flagOf, textOf } from '#agent/database/session.ts';
import type { Row, Session } from '#agent/database/session.ts';
import type { ChangedPagesRequest, Unusable, Usable } from './request.ts';
import { layoutOf } from './request.ts';

/** The begin of backup mode ends a summary; the server needs milliseconds to write it (engine.md §A). */
const patienceMs = 30_000;
const lookAgainMs = 20;
const firstMajor = 17;

interface Summary {
  readonly timeline: number;
  readonly from: Lsn;
  readonly to: Lsn;
}

/**
 * Summaries of the log that the server itself keeps (PostgreSQL ≥ 17, `summarize_wal`). They must form a chain without a
 * gap from the begin of the base to the begin of this backup, on every timeline in between (engine.md §A).
 */
export async function openWalSummary(request: ChangedPagesRequest): Promise<Usable | Unusable> {
  const { session } = request;
  const absent = (unusable: string): Unusable => ({ unusable, isExpected: true });
  if (session.serverMajor < firstMajor) return absent(`PostgreSQL ${String(session.serverMajor)} has no log summaries`);
  try {
    const row = await session.queryOne("select current_setting('summarize_wal') = 'on' as is_on");
    if (!flagOf(row, 'is_on')) return absent('summarize_wal is off');
    return await open(request);
  } catch (error) {
    const isAnswer = error instanceof HoldfastError && answers.has(error.code);
    if (!isAnswer) throw error;
    return { unusable: error.message, isExpected: false };
  }
}

/** Errors of SQL that concern this source only: a summary may be removed between listing and reading. */
const answers: ReadonlySet<string> = new Set(['query_failed', 'privilege_missing']);

async function open(request: ChangedPagesRequest): Promise<Usable | Unusable> {
  const { session, base, now } = request;
  const steps = timelineSteps(now, base.beginLsn, now.beginLsn);
  const [first] = steps;
  if (first !== undefined && first.timeline !== base.timeline)
    return {
      unusable: `the base is on timeline ${String(base.timeline)}, which the history does not pass`,
      isExpected: false,
    };
  const chain = await waitForChain(request, steps);
  if ('unusable' in chain) return chain;
  const references = new BlockReferences();
  for (const summary of chain.summaries) {
    request.signal.throwIfAborted();
    await read(session, summary, references);
  }
  const layout = layoutOf(request);
  const changedIn: Usable['pages']['changedIn'] = (file) => changedByReferences(file, layout, references);
  return { pages: { source: 'wal-summary', changedIn }, logBytesRead: 0, notes: [] };
}

/** Waits only for the newest summary: a hole before it never closes. */
async function waitForChain(
  { session, clock, signal }: ChangedPagesRequest,
  steps: readonly TimelineStep[],
): Promise<{ readonly summaries: readonly Summary[] } | Unusable> {
  const until = clock.nowMs() + patienceMs;
  for (;;) {
    const summaries: Summary[] = [];
    let hole: { readonly at: Lsn; readonly timeline: number; readonly canClose: boolean } | undefined;
    for (const step of steps) {
      const found = await list(session, step);
      summaries.push(...found);
      const at = firstHole(step, found);
      const canClose = step === steps[steps.length - 1] && (found.length === 0 || found[found.length - 1]?.to === at);
      if (at !== undefined) hole ??= { at, timeline: step.timeline, canClose };
    }
    if (hole === undefined) return { summaries };
    if (!hole.canClose || clock.nowMs() > until) {
      const place = `${hole.at} on timeline ${String(hole.timeline)}`;
      const why = hole.canClose
        ? 'the server has not summarized its log yet'
        : 'log was not summarized, or its summary was removed';
      return { unusable: `no summary covers the log from ${place}: ${why}`, isExpected: false };
    }
    await wait(lookAgainMs, undefined, { signal });
  }
}

/** Where the chain of summaries, in order of their begin, does not continue; undefined when it covers the step. */
function firstHole({ from, to }: TimelineStep, found: readonly Summary[]): Lsn | undefined {
  let covered = from;
  for (const summary of found) {
    if (compareLsn(summary.from, covered) > 0) return covered;
    if (compareLsn(summary.to, covered) > 0) covered = summary.to;
  }
  return compareLsn(covered, to) >= 0 ? undefined : covered;
}

async function list(session: Session, { timeline, from, to }: TimelineStep): Promise<Summary[]> {
  const rows = await session.query(
    `select start_lsn::text as from, end_lsn::text as to from pg_available_wal_summaries()
      where tli = $1 and end_lsn > $2::pg_lsn and start_lsn < $3::pg_lsn order by start_lsn, end_lsn`,
    [timeline, from, to],
  );
  return rows.map((row) => ({ timeline, from: parseLsn(textOf(row, 'from')), to: parseLsn(textOf(row, 'to')) }));
}

/** One row per fork: a summary of an hour may list a million blocks. */
const contents = `
  select reltablespace::text as tablespace, reldatabase::text as database, relfilenode::text as number,
         relforknumber::text as fork,
         coalesce(min(relblocknumber) filter (where is_limit_block), -1)::text as limit_block,
         coalesce(string_agg(relblocknumber::text, ',') filter (where not is_limit_block), '') as blocks
    from pg_wal_summary_contents($1, $2::pg_lsn, $3::pg_lsn) group by 1, 2, 3, 4`;

async function read(session: Session, { timeline, from, to }: Summary, references: BlockReferences): Promise<void> {
  for (const row of await session.query(contents, [timeline, from, to])) take(row, references);
}

function take(row: Row, references: BlockReferences): void {
  const count = (column: string): number => Number(textOf(row, column));
  const fork = {
    tablespace: count('tablespace'),
    database: count('database'),
    number: count('number'),
    fork: count('fork'),
  };
  const limit = count('limit_block');
  // Relation 0 stands for the whole database: it was made by a copy of files, or dropped.
  if (fork.number === 0) references.database(fork.tablespace, fork.database);
  else if (limit >= 0) references.limit({ ...fork, block: limit });
  const blocks = textOf(row, 'blocks');
  for (const block of blocks === '' ? [] : blocks.split(',')) references.block({ ...fork, block: Number(block) });
}
