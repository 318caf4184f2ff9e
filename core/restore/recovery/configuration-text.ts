/** One assignment in the text of a settings file (PG manual "Setting Parameters"). */
export interface Assignment {
  /** Counted from 1. */
  readonly line: number;
  /** In lower case: the server does not mind. */
  readonly name: string;
  /** Unquoted. */
  readonly value: string;
}

// Flag s: a dot leaves out U+2028 and U+2029, which end no line of a settings file.
const assignment = /^\s*([A-Za-z_][\w.]*)\s*=?\s*(.*)$/s;

/** Name of the setting that a line of a settings file gives a value, in lower case; undefined for comments and blanks. */
export const settingOf = (line: string): string | undefined =>
  line.trimStart().startsWith('#') ? undefined : assignment.exec(line)?.[1]?.toLowerCase();

/** Value of a line that gives one, unquoted. */
export function valueOf(line: string): string {
  const value = assignment.exec(line)?.[2] ?? '';
  const quoted = /^'((?:[^'\\]|''|\\.)*)'/s.exec(value.trim())?.[1];
  return quoted === undefined
    ? value.replace(/#.*$/s, '').trim()
    : quoted.replaceAll("''", "'").replace(/\\(.)/gs, '$1');
}

/** All assignments of a settings file in their order, includes too: they look like settings. */
export const assignmentsIn = (text: string): readonly Assignment[] =>
  text.split('\n').flatMap((one, index) => {
    const name = settingOf(one);
    return name === undefined ? [] : [{ line: index + 1, name, value: valueOf(one) }];
  });

/** Value that wins when assignments are read in this order: the last; undefined when there is none. */
export const lastValue = (read: readonly Pick<Assignment, 'name' | 'value'>[], name: string): string | undefined =>
  read.filter((one) => one.name === name).slice(-1)[0]?.value;

/** Directives that read other files. */
export const includeNames: readonly string[] = ['include', 'include_if_exists', 'include_dir'];

/** True when an include in a member of a data directory leads out of that directory. */
export function leadsOutside(member: string, included: string): boolean {
  if (included.startsWith('/')) return true;
  let depth = member.split('/').length - 1;
  for (const part of included.split('/')) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return false;
}
