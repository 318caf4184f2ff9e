/** Whether the search attributes of runs may be used: a workflow that sets an unknown one stands still. */
export interface SearchIndex {
  /** True once Temporal knows all of `core/run/search-attributes.ts`; never rejects. */
  isReady(): Promise<boolean>;
}
