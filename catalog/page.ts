/** A keyset page: newest first, `after` is the id of the last row of the page before. */
export interface PageRequest {
  readonly after?: string;
  /** 1–200. */
  readonly limit: number;
}

export interface Page<T> {
  readonly data: readonly T[];
  /** Id to continue after; undefined on the last page. */
  readonly next?: string;
}

/** Cuts the one row too many that tells whether there is more. */
export function pageOf<T extends { readonly id: string }>(rows: readonly T[], limit: number): Page<T> {
  const data = rows.slice(0, limit);
  const last = data[data.length - 1];
  return rows.length > limit && last !== undefined ? { data, next: last.id } : { data };
}
