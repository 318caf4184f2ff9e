import { fail } from '#core/errors/fail.ts';
import { refuseTooLittleSpace } from '#agent/datadir/writer-space.ts';
import { isAbsent } from '#agent/datadir/writer-paths.ts';
import type { DatabaseNeeds } from './read-database.ts';
import { readHas } from './read-database.ts';
import type { Target } from './target.ts';

/**
 * What the data needs must be on the target before anything is made there (K-118). Throws `transfer_roles_missing`,
 * `transfer_tablespaces_missing`, `transfer_extensions_missing`, `space_too_little`.
 */
export async function checkNeeds(target: Target, needs: readonly DatabaseNeeds[]): Promise<void> {
  const { instance, access } = target;
  const has = await readHas(target.session);
  const missing = (of: (one: DatabaseNeeds) => readonly string[], there: ReadonlySet<string>): string =>
    [...new Set(needs.flatMap(of))].filter((name) => !there.has(name)).join(', ');
  const roles = missing((one) => one.roles, has.roles);
  if (roles !== '') throw fail('transfer_roles_missing', { instance, roles });
  const tablespaces = missing((one) => one.tablespaces, has.tablespaces);
  if (tablespaces !== '') throw fail('transfer_tablespaces_missing', { instance, tablespaces });
  const extensions = missing((one) => one.extensions, has.extensions);
  if (extensions !== '') throw fail('transfer_extensions_missing', { instance, extensions });
  const bytes = needs.reduce((sum, one) => sum + one.bytes, 0);
  // The agent of the instance sees its directory; where it does not, the server itself says when the disk is full.
  if (!isAbsent(access.dataDirectory)) refuseTooLittleSpace([{ path: access.dataDirectory, bytes }]);
}
