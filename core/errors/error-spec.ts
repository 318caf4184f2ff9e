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
  /** Another remedy, where a parameter that may be absent has this value. */
  readonly hintWhen?: HintWhen;
}

interface HintWhen {
  readonly param: string;
  readonly is: string;
  readonly hint: string;
  readonly hintZh: string;
}

/** 128 + SIGINT, as of every program that Ctrl-C ends. */
export const interruptedExit = 130;

/** Codes that do not leave the CLI with the exit code of their class: a `--timeout` passed, Ctrl-C. Documented API. */
export const ownExitCodes: Readonly<Record<string, number>> = { timed_out: 6, interrupted: interruptedExit };

/** Exit code of the CLI for each class; documented API (0 is success). */
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
