import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import type { Check, Checked } from './check.ts';
import { textOf } from './session.ts';
import type { Session } from './session.ts';

/** A licence that ends sooner is worth a word. */
const licenceWarningDays = 30;

/** What only some products have: modes, licences, encrypted tablespaces, backup tools of their vendor. None for PostgreSQL. */
export async function engineChecks(checked: Checked): Promise<readonly Check[]> {
  const { questions } = engineProfile(checked.instance.engine);
  return [
    ...(questions.modes.length === 0 ? [] : [await modeCheck(checked.session, questions.modes)]),
    ...functionsCheck(checked),
    ...(questions.licenceDays === undefined ? [] : [await licenceCheck(checked.session, questions.licenceDays)]),
    ...(questions.encryptedTablespaces === undefined
      ? []
      : [await encryptionCheck(checked.session, questions.encryptedTablespaces)]),
    ...questions.vendorArchivers.map((vendor) => archiverCheck(checked, vendor)),
  ];
}

async function modeCheck(session: Session, names: readonly string[]): Promise<Check> {
  const values: string[] = [];
  for (const name of names) {
    // A setting that does not exist is absent in this build, no failure.
    const row = await session.queryOne(`select coalesce(current_setting($1, true), '') as value`, [name]);
    const value = textOf(row, 'value');
    if (value !== '') values.push(`${name} ${value}`);
  }
  return { check: 'mode', detail: values.join(', ') || 'the server names no mode' };
}

/** A name that the probe did not find is still PostgreSQL's own after spelling. */
function functionsCheck({ session, instance }: Checked): readonly Check[] {
  const profile = engineProfile(instance.engine);
  if (profile.catalogs.length === 0) return [];
  const missing = profile
    .sql(session.serverMajor)
    .backupFunctions.filter((signature) => session.spell(signature) === signature);
  const params = { instance: session.instance, title: session.identity.title, names: missing.join(', ') };
  return [
    {
      check: 'system-functions',
      detail: 'found under the names of this server',
      problem: missing.length === 0 ? undefined : fail('engine_functions_missing', params),
    },
  ];
}

/** Builds have it in schemas of their own; what who is no superuser made under its name is not run. */
const findFunction = `
  select quote_ident(n.nspname) || '.' || quote_ident(p.proname) as name
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
   where lower(p.proname::text) = $1 and p.pronargs = 0 and r.rolsuper order by 1 limit 1`;

async function licenceCheck(session: Session, licenceDays: string): Promise<Check> {
  const check = 'licence';
  const unaskable = { check, detail: 'this build cannot be asked how long its licence is valid' };
  let days: number;
  try {
    const [found] = await session.query(findFunction, [licenceDays]);
    if (found === undefined) return unaskable;
    days = Number(textOf(await session.queryOne(`select ${textOf(found, 'name')}()::text as days`), 'days'));
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'query_failed') throw error;
    return unaskable;
  }
  if (days < 0) return { check, detail: 'valid without end, on this host' };
  if (days > licenceWarningDays) return { check, detail: `valid for ${String(days)} days, on this host` };
  const warning = {
    detail:
      days === 0 ? 'the licence of the server has ended' : `the licence of the server ends in ${String(days)} days`,
    hint: 'Renew it: a server without a licence may refuse to start, and so may whatever is restored.',
  };
  return { check, detail: '', warning };
}

async function encryptionCheck(session: Session, question: string): Promise<Check> {
  const check = 'encryption';
  const names = (await session.query(question)).map((row) => textOf(row, 'name'));
  if (names.length === 0) return { check, detail: 'no encrypted tablespace' };
  const warning = {
    detail: `tablespaces ${names.join(', ')} are encrypted by the server: a set holds their pages as they are, but not the keys`,
    hint: 'Keep wallet and keys safe apart from the pool: without them nobody can open what is restored.',
  };
  return { check, detail: '', warning };
}

/** Its repository is no archive to read, and above all none to delete from (K-080). */
function archiverCheck({ facts, archiveDirectory }: Checked, program: string): Check {
  const check = `beside-${program}`;
  if (!new RegExp(`\\b${program}\\b`).test(facts.archiveCommand))
    return { check, detail: `${program} does not archive here` };
  if (archiveDirectory !== undefined)
    return { check, detail: `${program} archives, too; its repository is left alone` };
  const warning = {
    detail: `archive_command belongs to ${program}, whose repository holds no plain log files`,
    hint: `Leave it in place and let archive_command copy each file into a directory as well (… && cp %p /archive/%f), or stream the log; see docs/guides/kingbasees.md.`,
  };
  return { check, detail: '', warning };
}
