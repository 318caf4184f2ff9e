import { z } from 'zod';
import type { RunOutcome } from '#core/ports/run-book.ts';
import type { Database } from '#catalog/database.ts';

/** An id that stands alone in a text: not as a part of a path or a key. */
const idInText = /(?<![\w/.])(?:res|host|pool|job)_[0-9a-f]{32}(?![\w/])/g;

/** Names of resources, hosts, pools and jobs by their ids; what is unknown, or removed, is absent. */
export async function namesOf(db: Database, ids: readonly string[]): Promise<Readonly<Record<string, string>>> {
  if (ids.length === 0) return {};
  const rows = await db.rows(
    z.object({ id: z.string(), name: z.string() }),
    `select id, name from resource where id = any($1) union all select id, name from host where id = any($1)
     union all select id, name from pool where id = any($1) union all select id, name from job where id = any($1)`,
    [ids],
  );
  return Object.fromEntries(rows.map(({ id, name }) => [id, name]));
}

/** The names of all ids in a value that is kept as JSON. */
export const namesIn = (db: Database, value: unknown): Promise<Readonly<Record<string, string>>> =>
  namesOf(db, [...new Set(JSON.stringify(value).match(idInText) ?? [])]);

/**
 * An outcome that did not end well, or has warnings, in the names of people: workflows and agents know ids alone. Who holds a lane is
 * named by its job, beside its id, by which it is asked for.
 */
export async function withNamesOf(db: Database, outcome: RunOutcome): Promise<RunOutcome> {
  if (outcome.state === 'succeeded') return outcome;
  const told = await toldOf(db, outcome);
  const names = await namesIn(db, told);
  const said = (text: string): string => text.replace(idInText, (id) => names[id] ?? id);
  if (told.state === 'warned')
    return { ...told, warnings: told.warnings.map((one) => ({ ...one, detail: said(one.detail) })) };
  if (told.state === 'succeeded') return told;
  const params = Object.fromEntries(Object.entries(told.params).map(([name, text]) => [name, said(text)]));
  return { ...told, params, message: said(told.message) };
}

async function toldOf(db: Database, outcome: RunOutcome): Promise<RunOutcome> {
  if (!('code' in outcome) || outcome.code !== 'lane_busy') return outcome;
  const { holder = '', holding = '' } = outcome.params;
  const [run] = await db.rows(
    z.object({ name: z.string(), kind: z.string() }),
    'select j.name, r.kind from run r join job j on j.id = r.job_id where r.id = $1',
    [holder],
  );
  if (run === undefined) return outcome;
  const message = outcome.message.replace(`${holding} (${holder})`, `${run.name} (${holder})`);
  // A stream never ends by itself: the remedy is another one.
  const kind = run.kind === 'log-stream' ? { holderKind: run.kind } : {};
  return { ...outcome, message, params: { ...outcome.params, holding: run.name, ...kind } };
}
