/** Time arrives by injection: core never tells it, the others read it here (design §3). */
export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
}
