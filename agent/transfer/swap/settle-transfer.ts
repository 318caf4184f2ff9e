import { fail } from '#core/errors/fail.ts';
import type { HostWork } from '#core/ports/host-work.ts';
import { undoneText } from '#core/transfer/kept.ts';
import type { SettleReport } from '#core/transfer/report.ts';
import type { Placed, SettleTask } from '#core/transfer/task.ts';
import { placedText } from '#core/transfer/task.ts';
import { demandInPlace } from './demand-in-place.ts';
import { asKept, asUndone, dropAll, stillThere } from './drop-kept.ts';
import { inDatabase } from '#agent/transfer/play/in-database.ts';
import { refuseReplicatedDatabase } from './replication.ts';
import { putSchemasBack } from './settle-schemas.ts';
import { putTablesBack } from './settle-tables.ts';
import type { Standing } from './standing.ts';
import { keptPlaceOf, placeOf, standingsOf, undonePlaceOf } from './standing.ts';
import { renameDatabases } from './swap-database.ts';
import type { Target } from '#agent/transfer/target.ts';
import { openTarget, refuseSessions } from '#agent/transfer/target.ts';

/**
 * Settles what a transfer replaced and kept, whatever became of its run: it is dropped, or it takes its place again, and what had that
 * place is set aside under a name of its own, where a discard drops it. What is meant is known by its oid. Safe to run again: what is settled already stays so.
 * Throws `transfer_kept_gone`, `transfer_kept_moved`, `transfer_place_taken`, `transfer_in_use`, `transfer_replicated`,
 * `transfer_table_depends`, `transfer_schema_depends`, `transfer_swap_refused`.
 */
export const settleTransfer =
  (): HostWork['settleTransfer'] =>
  async ({ runId, instance, task }): Promise<SettleReport> => {
    const touched = task.placed.flatMap((one) =>
      one.kind === 'database' ? [one.name, keptPlaceOf(one) ?? '', undonePlaceOf(one, task.of) ?? ''] : [],
    );
    const target = await openTarget(instance, { runId, touched });
    try {
      return task.does === 'undo' ? await undo(target, task) : await drop(target, task);
    } finally {
      await target.close();
    }
  };

/** Drops what was kept, or what an undo set aside. */
async function drop(target: Target, { does, of, endsSessions, placed }: SettleTask): Promise<SettleReport> {
  const standings = await standingsOf(target, placed);
  const doomed = does === 'confirm' ? asKept(standings) : asUndone(standings, of);
  const names = stillThere(doomed, target.instance);
  const isOfDatabases = placed.some(({ kind }) => kind === 'database');
  if (!endsSessions && isOfDatabases) for (const name of names) await refuseSessions(target, name);
  return { does, dropped: await dropAll(target, doomed), putBack: [], setAside: [] };
}

async function undo(target: Target, task: SettleTask): Promise<SettleReport> {
  const kept = (await standingsOf(target, task.placed)).filter(({ one }) => keptPlaceOf(one) !== undefined);
  // In its place again, or never moved: the run ended before its swap.
  const away = kept.filter(({ one, keptLies }) => keptLies !== placeOf(one));
  for (const one of away) refuseStranger(target, task, one);
  const [first] = away;
  if (first !== undefined) await putBack(target, task, { first: first.one, away });
  const after = (await standingsOf(target, task.placed)).filter(({ one }) => keptPlaceOf(one) !== undefined);
  const aside = after.filter(
    ({ one, placedLies }) => placedLies !== undefined && placedLies === undonePlaceOf(one, task.of),
  );
  return {
    ...{ does: task.does, dropped: [] },
    putBack: aside.map(({ one }) => placedText(one)),
    setAside: aside.map(({ one }) => undoneText(one, task.of)),
  };
}

/** Nothing is moved that this run did not place or move itself. Throws `transfer_kept_gone`, `transfer_kept_moved`, `transfer_place_taken`. */
function refuseStranger({ instance }: Target, { of }: SettleTask, { one, holder, keptLies }: Standing): void {
  const kept = keptPlaceOf(one) ?? '';
  if (keptLies === undefined) throw fail('transfer_kept_gone', { run: of, instance, what: kept });
  if (keptLies !== kept) throw fail('transfer_kept_moved', { what: kept, now: keptLies, instance });
  if (holder !== undefined && holder !== one.oid)
    throw fail('transfer_place_taken', { name: placedText(one), run: of, instance });
}

interface ToPutBack {
  readonly first: Placed;
  readonly away: readonly Standing[];
}

async function putBack(target: Target, task: SettleTask, { first, away }: ToPutBack): Promise<void> {
  if (first.kind === 'database') return putDatabasesBack(target, task, away);
  await inDatabase(target, first.database, (session) =>
    first.kind === 'schema' ? putSchemasBack(session, task.of, away) : putTablesBack(session, away),
  );
}

async function putDatabasesBack(target: Target, task: SettleTask, away: readonly Standing[]): Promise<void> {
  const moves = away.flatMap((standing) => {
    const { one, holder } = standing;
    return one.kind === 'database' && one.keptAs !== undefined ? [{ ...one, keptAs: one.keptAs, holder }] : [];
  });
  const taken = moves.filter(({ holder }) => holder !== undefined).map(({ name }) => name);
  for (const name of taken) await refuseReplicatedDatabase(target.session, name);
  if (!task.endsSessions)
    for (const name of [...taken, ...moves.map(({ keptAs }) => keptAs)]) await refuseSessions(target, name);
  const renames = moves.flatMap(({ holder, keptAs, ...one }) => [
    ...(holder === undefined ? [] : [{ from: one.name, to: undonePlaceOf({ ...one, keptAs }, task.of) ?? '' }]),
    { from: keptAs, to: one.name },
  ]);
  // The other way round: what was kept is what shall have the places.
  const back = moves.map(({ name, keptOid = '' }): Placed => ({ kind: 'database', name, oid: keptOid }));
  const proof = (session: Target['session']): Promise<void> => demandInPlace(session, back);
  await renameDatabases(target, renames, { endsSessions: task.endsSessions, proof });
}
