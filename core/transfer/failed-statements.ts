import type { FailedStatement } from './report.ts';

/** `psql:<stdin>:42: ERROR:  42P07: relation "a" already exists`, then lines of its own, then `psql:<stdin>:42: STATEMENT:  …`. */
const errorLine = /^[^\n]*?:\d+: \S+: +([0-9A-Z]{5}): (.*)$/;
const statementLine = /^[^\n]*?:\d+: \S+: +([A-Za-z].*)$/;
const longest = 400;

/** Settings that a newer tool sends to every server; an older server does not know them, and nothing is lost. */
const harmless = /^SET (transaction_timeout|idle_session_timeout)\b/i;

/** What a shell with echoed errors and verbose messages said of statements that failed, in order. */
export function failedStatements(stderr: string): readonly FailedStatement[] {
  const found: FailedStatement[] = [];
  let open: { sqlState: string; message: string } | undefined;
  for (const line of stderr.split('\n')) {
    const [, sqlState, message] = errorLine.exec(line) ?? [];
    if (sqlState !== undefined && message !== undefined) {
      if (open !== undefined) found.push(withStatement(open, ''));
      open = { sqlState, message };
      continue;
    }
    const statement = statementLine.exec(line)?.[1];
    if (open === undefined || statement === undefined) continue;
    found.push(withStatement(open, statement));
    open = undefined;
  }
  if (open !== undefined) found.push(withStatement(open, ''));
  return found.filter((one) => !harmless.test(one.statement));
}

const withStatement = (error: { sqlState: string; message: string }, statement: string): FailedStatement => ({
  ...error,
  object: objectOf(statement),
  statement: statement.slice(0, longest),
});

/** `ALTER TABLE ONLY shop.items ADD CONSTRAINT …` → `TABLE shop.items`; the beginning of anything else. */
function objectOf(statement: string): string {
  const [, kind, name] =
    /^(?:CREATE|ALTER|DROP|GRANT .* ON|REVOKE .* ON|COMMENT ON)(?: OR REPLACE| UNIQUE| UNLOGGED)* ([A-Z ]+?)(?: ONLY| IF NOT EXISTS| IF EXISTS)? ("?[^\s(;]+)/.exec(
      statement,
    ) ?? [];
  return kind === undefined || name === undefined ? statement.slice(0, 60) : `${kind} ${name}`;
}
