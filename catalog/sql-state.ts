/**
 * SQLSTATE of an error that a server sent; undefined for anything else. Told by its severity, which every error of a server
 * has (PostgreSQL manual, 54.8 "Error and Notice Message Fields") and no error of the system has.
 */
export const sqlState = (cause: unknown): string | undefined =>
  cause instanceof Error && 'severity' in cause && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : undefined;
