import { readFileSync, readdirSync, statSync } from 'node:fs';
import { fail } from '#core/errors/fail.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { ReplayedPart } from '#core/restore/recovery/replayed-part.ts';
import type { NotableRecord } from '#core/wal/log-record.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import { isSegmentName } from '#core/wal/segment-name.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import type { EmptyTarget } from '#agent/datadir/writer.ts';

/** What a server is going to replay. */
interface Replay {
  readonly plan: RestorePlan;
  /** Redo pointer of the set. */
  readonly from: Lsn;
  readonly signal: AbortSignal;
}

type NewTablespace = Extract<NotableRecord, { kind: 'tablespace' }>;

/**
 * Replay of CREATE TABLESPACE makes the link to the path that was once typed, whatever the plan maps: a copy would write into the files
 * of the original, and a restore in place would take what lies there for its own. So before a server starts, every tablespace that the
 * log in place makes, from the redo pointer of the set on, must lie where the plan put it, or in a directory that is there and empty.
 * Throws `tablespace_in_log`, `cancelled`.
 */
export async function refuseLateTablespaces({ plan, from, signal }: Replay, target: EmptyTarget): Promise<void> {
  const part = new ReplayedPart(plan, from);
  let found: NewTablespace | undefined;
  const reader = new LogReader(undefined, undefined, (record, place) => {
    const isReplayed = part.includes(record, place);
    if (isReplayed && record.kind === 'tablespace' && !isHarmless(plan, record)) found ??= record;
  });
  for (const name of segmentsOf(target)) {
    if (signal.aborted) throw fail('cancelled', { what: 'the restore' });
    reader.read(readFileSync(target.pathOf(`${target.files.log}/${name}`)));
    if (found !== undefined)
      throw fail('tablespace_in_log', { oid: String(found.oid), path: found.path, setId: plan.setId });
    if (part.isOver) return;
    // Why: a segment takes some tens of milliseconds, and the step has to say that it is alive.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** By position, of one position the older timeline first: a record that goes on is read whichever branch goes on with it. */
function segmentsOf(target: EmptyTarget): readonly string[] {
  const order = (name: string): string => name.slice(8) + name.slice(0, 8);
  return readdirSync(target.pathOf(target.files.log))
    .filter(isSegmentName)
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));
}

function isHarmless({ tablespaceMap }: RestorePlan, { oid, path }: NewTablespace): boolean {
  const planned = tablespaceMap[String(oid)];
  if (planned !== undefined && canonicalPath(planned) === canonicalPath(path)) return true;
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true && readdirSync(path).length === 0;
}
