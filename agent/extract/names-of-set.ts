import type { InstanceAccess } from '#core/agent/order.ts';
import type { SetSummary } from '#core/backup/set-summary.ts';
import type { RelationNames } from '#core/contents/list-tables.ts';
import { fail } from '#core/errors/fail.ts';
import { historyName, parseHistory } from '#core/wal/history-file.ts';
import { compareLsn } from '#core/wal/lsn.ts';
import { branchIdsOf, historyNow } from '#agent/backup/history.ts';
import { relationNames } from '#agent/database/relation-names.ts';
import type { ServerFacts } from '#agent/database/server-facts.ts';
import { readServerFacts } from '#agent/database/server-facts.ts';
import { openSession } from '#agent/database/session.ts';

type WhereOfSet = Pick<SetSummary, 'setId' | 'systemId' | 'timeline' | 'branchId' | 'endLsn'>;

/**
 * Names of relations as the running instance has them now, for a set that lies on its way: on a branch that it left, the same name may
 * mean another file. Throws `extract_names_other`, `log_history_missing`, what `openSession` throws.
 */
export async function namesOfSet(set: WhereOfSet, instance: InstanceAccess): Promise<RelationNames> {
  const session = await openSession(instance);
  const facts = await readServerFacts(session).finally(() => session.close());
  if (!isOnWay(set, facts)) throw fail('extract_names_other', { set: set.setId, instance: session.instance });
  return relationNames(instance);
}

function isOnWay({ systemId, timeline, branchId, endLsn }: WhereOfSet, facts: ServerFacts): boolean {
  if (facts.systemId !== systemId) return false;
  const places = { dataDirectory: facts.dataDirectory, inspected: { facts, archiveDirectory: undefined } };
  const history = historyNow(places);
  if (!branchIdsOf(places, history, timeline).includes(branchId)) return false;
  if (timeline === facts.timeline) return true;
  const left = parseHistory(history, historyName(facts.timeline)).find((entry) => entry.timeline === timeline);
  return left !== undefined && compareLsn(endLsn, left.switchLsn) <= 0;
}
