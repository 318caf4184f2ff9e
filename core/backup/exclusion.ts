import type { ExclusionRules } from '../engine/profile.ts';

/** How the scan treats one entry of a data directory. */
export type Inclusion = 'copy' | 'leave-out' | 'empty-directory';

/**
 * Decides by name alone whether an entry belongs into a set; what no rule names is copied, so that files of extensions
 * are never lost. `path` is relative to the data directory, with `/`; `name` is its last part.
 */
export function inclusionOf(rules: ExclusionRules, path: string, name: string): Inclusion {
  if (rules.contentsOf.includes(path)) return 'empty-directory';
  if (rules.names.includes(name) || rules.paths.includes(path)) return 'leave-out';
  return rules.prefixes.some((prefix) => name.startsWith(prefix)) ? 'leave-out' : 'copy';
}
