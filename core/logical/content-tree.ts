/** A level of the live content tree of an instance (K-050): names after `after`, at most `limit`. */
export type TreeView =
  | { readonly of: 'databases'; readonly after: string; readonly limit: number }
  | { readonly of: 'schemas'; readonly database: string; readonly after: string; readonly limit: number }
  | {
      readonly of: 'tables';
      readonly database: string;
      readonly schema: string;
      readonly after: string;
      readonly limit: number;
    };

export interface TreeNode {
  readonly name: string;
  readonly kind: 'database' | 'schema' | 'table' | 'partitioned';
  /** With indexes and what is stored aside; of a partitioned table all its partitions. Absent where the login may not ask. */
  readonly sizeBytes?: number;
  /** Tables in it; of a table 0. Absent where it is not known. */
  readonly tableCount?: number;
}

export interface TreePage {
  readonly nodes: readonly TreeNode[];
  readonly hasMore: boolean;
}
