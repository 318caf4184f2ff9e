import type { PoolId } from '../id.ts';

/** Where the objects of a pool lie. `local` is reachable by one host only, `s3` by every host it is granted to. */
export type PoolPlace =
  | { readonly kind: 'local'; readonly directory: string }
  | {
      readonly kind: 's3';
      readonly endpoint: string;
      readonly port: number;
      readonly isTls: boolean;
      readonly region: string;
      readonly bucket: string;
      /** Key prefix inside the bucket, '' or ending in '/'. */
      readonly prefix: string;
      /** Days for which every object is protected from deletion (S3 Object Lock); absent: it is not. */
      readonly immutableDays?: number;
    };

/** Secrets of a pool: travel only inside an order over the agent channel, never in Temporal (build.md). */
export interface PoolSecrets {
  readonly s3?: { readonly accessKey: string; readonly secretKey: string };
  /** Present exactly when the pool is encrypted: the passphrase from which its key is derived (docs/format.md §4). */
  readonly passphrase?: string;
  /** While a rotation is under way: the one that is going to hold. Whichever fits opens the pool. */
  readonly nextPassphrase?: string;
}

/** All an agent needs to open a pool. */
export interface PoolAccess {
  readonly poolId: PoolId;
  readonly name: string;
  readonly place: PoolPlace;
  readonly secrets: PoolSecrets;
}
