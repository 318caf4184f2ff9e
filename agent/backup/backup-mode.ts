import { engineProfile } from '#core/engine/profiles.ts';
import { bug } from '#core/errors/fail.ts';
import type { Lsn } from '#core/wal/lsn.ts';
import { parseLsn } from '#core/wal/lsn.ts';
import { bytesOf, textOf } from '#agent/database/session.ts';
import type { Session } from '#agent/database/session.ts';

/** What the end call answers: the label and the tablespace map belong into the set byte for byte (peers.md §5 item 5). */
export interface EndedBackup {
  readonly endLsn: Lsn;
  readonly label: Uint8Array;
  /** Undefined when there is no tablespace. */
  readonly map: Uint8Array | undefined;
}

/**
 * Begins a non-exclusive backup on this session and answers where its log begins. The server leaves backup mode by
 * itself when the session ends, however it ends.
 */
export async function beginBackup(
  session: Session,
  engine: string,
  begin: { readonly label: string; readonly isFast: boolean },
): Promise<Lsn> {
  const { beginBackup: statement } = engineProfile(engine).sql(session.serverMajor);
  return parseLsn(textOf(await session.queryOne(statement, [begin.label, begin.isFast]), 'lsn'));
}

/** Ends it. On a primary the server also switches to a new log segment, so every segment of the backup is complete now. */
export async function endBackup(session: Session, engine: string): Promise<EndedBackup> {
  const row = await session.queryOne(engineProfile(engine).sql(session.serverMajor).endBackup);
  const label = bytesOf(row, 'label');
  if (label === undefined) throw bug('the server sent no backup label');
  const map = bytesOf(row, 'map');
  return { endLsn: parseLsn(textOf(row, 'lsn')), label, map: map?.length === 0 ? undefined : map };
}
