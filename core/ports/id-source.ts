import type { IdByPrefix, IdPrefix } from '../id.ts';

/** Makes new ids; made once by whoever creates the thing, then reused in workflow ids and object keys. */
export type IdSource = <P extends IdPrefix>(prefix: P) => IdByPrefix[P];
