import type { Warning } from '../run/progress.ts';
import type { FailedStatement } from './report.ts';
import { cutText } from '../text.ts';

const longest = 400;

/** Settings that a newer tool sends to every server; an older server does not know them, and nothing is lost. */
const harmless = /^SET (transaction_timeout|idle_session_timeout)\b/i;

/** Codes of a server that stops, is full of sessions or lost its client: the same may succeed later. */
const passing = /^(57P|08|53300)/;

/** True when nothing is missing although the server refused it. */
export const isHarmless = (statement: string): boolean => harmless.test(statement);
/** True when the same statement may succeed later. */
export const isPassing = (sqlState: string): boolean => passing.test(sqlState);

/** What is told of a statement that a server refused. */
export function failedStatement(refused: {
  readonly sqlState: string;
  readonly message: string;
  readonly detail?: string;
  readonly statement: string;
}): FailedStatement {
  const { sqlState, message, detail, statement } = refused;
  return {
    object: objectOf(statement),
    sqlState,
    message: detail === undefined ? message : `${message} (${detail})`,
    statement: cutText(statement, longest),
  };
}

/** What a run says of statements that were refused, in order; `statement_failed`. */
export const failureWarnings = (failures: readonly FailedStatement[]): readonly Warning[] =>
  failures.map(({ object, sqlState, message }) => ({
    code: 'statement_failed',
    detail: `${object}: ${message} (SQLSTATE ${sqlState})`,
  }));

/** A name of one or two parts, in quotes or not. */
const name = '(?:"(?:[^"]|"")*"|[^\\s(;."]+)(?:\\.(?:"(?:[^"]|"")*"|[^\\s(;."]+))?';
const about = new RegExp(
  `^(?:CREATE|ALTER|DROP|COPY|GRANT [^]*? ON|REVOKE [^]*? ON|COMMENT ON)(?: OR REPLACE| UNIQUE| UNLOGGED)*((?: [A-Z]+)*) (${name})`,
);
const between = / (?:ONLY|IF NOT EXISTS|IF EXISTS)$/;

/** `ALTER TABLE ONLY shop.items ADD CONSTRAINT …` → `TABLE shop.items`; the beginning of anything else. */
function objectOf(statement: string): string {
  const [, words, object] = about.exec(statement) ?? [];
  if (object === undefined) return cutText(statement, 60);
  const kind = words?.replace(between, '').trim() ?? '';
  return `${kind === '' ? 'TABLE' : kind} ${object}`;
}
