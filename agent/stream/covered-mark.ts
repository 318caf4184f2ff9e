import type { Instant } from '#core/instant.ts';
import { instantFromMicros } from '#core/instant.ts';
import { lsnToNumber, parseLsn } from '#core/wal/lsn.ts';
import { longHeaderBytes, shortHeaderBytes } from '#core/wal/page-header.ts';
import { textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** When the log is known up to `position`, it is known up to `at`: the measured RPO, also of an idle database. */
export interface CoveredMark {
  readonly position: number;
  readonly at: Instant;
}

const pageBytes = 8192;

/** The server's time first, then where it writes: what ended before that time lies before that place. */
export async function takeMark(session: Session, segmentBytes: number): Promise<CoveredMark> {
  const before = await session.queryOne(
    'select (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as micros',
  );
  const after = await session.queryOne('select pg_current_wal_insert_lsn()::text as lsn');
  const at = instantFromMicros(Number(textOf(before, 'micros')));
  return { position: withoutHeader(lsnToNumber(parseLsn(textOf(after, 'lsn'))), segmentBytes), at };
}

/** At the begin of a page the server names the place behind its header, which nobody has written yet. */
function withoutHeader(position: number, segmentBytes: number): number {
  const isBehindHeader = position % segmentBytes === longHeaderBytes || position % pageBytes === shortHeaderBytes;
  return isBehindHeader ? position - (position % pageBytes) : position;
}
