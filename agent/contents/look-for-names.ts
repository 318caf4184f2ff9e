import type { InspectionOf } from '#core/agent/order.ts';
import type { NamesFound, NamesThere } from '#core/contents/wanted-names.ts';
import { absentNames } from '#core/contents/wanted-names.ts';
import type { Pool } from '#agent/pools/open-pool.ts';
import { openPool } from '#agent/pools/open-pool.ts';
import { openSet } from '#agent/sets/open-set.ts';
import { namesInFiles } from './names-in-files.ts';
import { namesInInstance } from './names-in-instance.ts';
import { namesInLogicalSet } from './names-in-logical-set.ts';

type Asked = InspectionOf<'names'>;

/**
 * Which of some names a running instance, a set of files or a logical set does not have. Reads only. Throws what opening a session or a
 * set throws.
 */
export async function lookForNames({ where, wanted }: Asked): Promise<NamesFound> {
  if (where.in === 'instance') return foundIn(await namesInInstance(where.instance), wanted);
  const pool = await openPool(where.pool);
  try {
    return await foundIn(await namesInSet(pool, where), wanted);
  } finally {
    await pool.close();
  }
}

const namesInSet = async (
  pool: Pool,
  where: Exclude<Asked['where'], { in: 'instance' }>,
): Promise<NamesThere | undefined> =>
  where.in === 'logical-set' ? namesInLogicalSet(pool, where.setId) : namesInFiles(await openSet(pool, where.setId));

const foundIn = async (there: NamesThere | undefined, wanted: Asked['wanted']): Promise<NamesFound> =>
  there === undefined ? { isKnown: false, absent: [] } : { isKnown: true, absent: await absentNames(wanted, there) };
