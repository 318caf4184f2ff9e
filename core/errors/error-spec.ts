/**
 * Who acts on an error and whether a retry can help (style §3.7):
 * `input` the caller · `denied` an approver · `precondition` the operator, see the hint · `unavailable` nobody, it is
 * retried · `exhausted` the operator, retried slowly · `corrupt` the operator, at once · `unsafe` refused to protect
 * data · `cancelled` nobody · `bug` us.
 */
export type ErrorClass =
  'input' | 'denied' | 'precondition' | 'unavailable' | 'exhausted' | 'corrupt' | 'unsafe' | 'cancelled' | 'bug';

/** What is kept per code: the message says what and which object, the hint says what to do. `{x}` is filled at use. */
export interface ErrorSpec {
  readonly class: ErrorClass;
  readonly http: number;
  readonly message: string;
  readonly hint: string;
  readonly messageZh: string;
  readonly hintZh: string;
}

/** Exit code of the CLI for each class; documented API (0 is success, 6 a `--timeout`). */
export const exitCodes = {
  input: 2,
  denied: 4,
  precondition: 3,
  unavailable: 5,
  exhausted: 5,
  corrupt: 7,
  unsafe: 3,
  cancelled: 8,
  bug: 1,
} as const satisfies Record<ErrorClass, number>;
