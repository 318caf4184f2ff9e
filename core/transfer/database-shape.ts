import { literal, quoted } from './names.ts';

/** Rights of one role on a database. */
interface DatabaseGrant {
  /** '' for everybody (PUBLIC). */
  readonly role: string;
  readonly privilege: string;
  readonly isGrantable: boolean;
}

interface DatabaseSetting {
  /** '' for everybody. */
  readonly role: string;
  /** As the catalog keeps it: `name=value`. */
  readonly setting: string;
}

/** What `CREATE DATABASE` needs, and what a dump of a database does not hold. */
export interface DatabaseShape {
  readonly owner: string;
  readonly encoding: string;
  readonly collate: string;
  readonly ctype: string;
  /** `c` libc, `i` ICU, `b` builtin; libc before PostgreSQL 15. */
  readonly provider: string;
  readonly locale?: string | undefined;
  readonly icuRules?: string | undefined;
  readonly tablespace: string;
  readonly connectionLimit: number;
  readonly comment?: string | undefined;
  /** Absent: the default rights. */
  readonly grants?: readonly DatabaseGrant[] | undefined;
  readonly settings: readonly DatabaseSetting[];
}

/** Values of these are lists of names (`variable_is_guc_list_quote` of the server): written as one text they would be one name. */
const lists = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** Locale words of `CREATE DATABASE`: providers came with PostgreSQL 15, builtin and its common word with 17. */
function localeWords(shape: DatabaseShape, major: number): string {
  const base = `lc_collate ${literal(shape.collate)} lc_ctype ${literal(shape.ctype)}`;
  if (shape.provider === 'i') {
    const rules = shape.icuRules === undefined ? '' : ` icu_rules ${literal(shape.icuRules)}`;
    return `${base} locale_provider icu icu_locale ${literal(shape.locale ?? '')}${rules}`;
  }
  if (shape.provider === 'b') return `${base} locale_provider builtin builtin_locale ${literal(shape.locale ?? '')}`;
  return major >= 15 ? `${base} locale_provider libc` : base;
}

/** Makes an empty database of the same kind; nobody but a superuser connects to it before it is whole. */
export const createStatement = (name: string, shape: DatabaseShape, major: number): string =>
  `create database ${quoted(name)} template template0 owner ${quoted(shape.owner)} encoding ${literal(shape.encoding)} ` +
  `${localeWords(shape, major)} tablespace ${quoted(shape.tablespace)} connection limit 0`;

/** What belongs to a database and lies outside it, for a database that is new: limit, comment, rights, settings. */
export function propertyStatements(name: string, shape: DatabaseShape): readonly string[] {
  const target = quoted(name);
  return [
    `alter database ${target} connection limit ${String(shape.connectionLimit)}`,
    ...(shape.comment === undefined ? [] : [`comment on database ${target} is ${literal(shape.comment)}`]),
    ...grantStatements(target, shape),
    ...shape.settings.map(({ role, setting }) => settingStatement(target, role, setting)),
  ];
}

function grantStatements(target: string, { grants, owner }: DatabaseShape): readonly string[] {
  if (grants === undefined) return [];
  return [
    `revoke all on database ${target} from public`,
    `revoke all on database ${target} from ${quoted(owner)}`,
    ...grants.map(({ role, privilege, isGrantable }) => {
      const to = role === '' ? 'public' : quoted(role);
      return `grant ${privilege} on database ${target} to ${to}${isGrantable ? ' with grant option' : ''}`;
    }),
  ];
}

function settingStatement(target: string, role: string, setting: string): string {
  const at = setting.indexOf('=');
  const [name, value] = [setting.slice(0, at), setting.slice(at + 1)];
  const written = lists.has(name) ? elementsOf(value).map(literal).join(', ') : literal(value);
  const whose = role === '' ? `database ${target}` : `role ${quoted(role)} in database ${target}`;
  return `alter ${whose} set ${name.split('.').map(quoted).join('.')} to ${written}`;
}

/**
 * Elements of a list as the catalog keeps it. Any role sets lists for itself, and `SET … FROM CURRENT` keeps them as they were typed: nothing
 * of them is SQL. What is no list is one element.
 */
function elementsOf(value: string): readonly string[] {
  const found = [...value.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^\s,"]+))\s*(,|$)/gy)];
  const length = found.reduce((sum, [whole]) => sum + whole.length, 0);
  const isEnded = found.some(([, , , end]) => end === '');
  if (length < value.length || !isEnded) return [value];
  return found.map(([, inQuotes, plain]) => (inQuotes === undefined ? (plain ?? '') : inQuotes.replaceAll('""', '"')));
}

/** In words, what differs between the live database and the one at the point: the latter is what is put into place. */
export function shapeDifferences(live: DatabaseShape, wanted: DatabaseShape): readonly string[] {
  const facts: readonly (readonly [string, string, string])[] = [
    ['owner', live.owner, wanted.owner],
    ['encoding', live.encoding, wanted.encoding],
    ['collation', live.collate, wanted.collate],
    ['character type', live.ctype, wanted.ctype],
    ['locale provider', live.provider, wanted.provider],
    ['locale', live.locale ?? '', wanted.locale ?? ''],
    ['tablespace', live.tablespace, wanted.tablespace],
    ['connection limit', String(live.connectionLimit), String(wanted.connectionLimit)],
    ['rights', grantsText(live), grantsText(wanted)],
    ['settings', settingsText(live), settingsText(wanted)],
  ];
  return facts
    .filter(([, now, then]) => now !== then)
    .map(([what, now, then]) => `${what}: now ${now || 'none'}, restored ${then || 'none'}`);
}

const grantsText = ({ grants }: DatabaseShape): string =>
  grants === undefined
    ? 'default'
    : grants
        .map(({ role, privilege }) => `${privilege} to ${role || 'PUBLIC'}`)
        .sort()
        .join('; ');

const settingsText = ({ settings }: DatabaseShape): string =>
  settings
    .map(({ role, setting }) => `${role === '' ? '' : `${role}: `}${setting}`)
    .sort()
    .join('; ');
