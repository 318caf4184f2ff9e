import type { RunId, SetId } from '#core/id.ts';

/** What the reference model knows of one database: plain lists, changed by hand after each operation. */
export interface ReferenceModel {
  readonly sets: Set<SetId>;
  readonly batches: Set<string>;
  readonly orphans: Map<SetId, { readonly endedMs: number | undefined }>;
  /** Open runs that read: each with all sets of its chain. */
  readonly readers: Map<RunId, ReadonlySet<SetId>>;
}

export const emptyModel = (): ReferenceModel => ({
  ...{ sets: new Set(), batches: new Set(), orphans: new Map(), readers: new Map() },
});
