/**
 * How deep stored backups are looked into. quick: objects, sizes and metadata; full: every stored byte; page: full, and the
 * page checksums of the relation files in a set.
 */
export const verifyDepths = ['quick', 'full', 'page'] as const;
export type VerifyDepth = (typeof verifyDepths)[number];

/** True when a look at `deep` saw all that one at `shallow` would see. */
export const isAsDeep = (deep: VerifyDepth, shallow: VerifyDepth): boolean =>
  verifyDepths.indexOf(deep) >= verifyDepths.indexOf(shallow);
