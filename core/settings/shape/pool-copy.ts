import { z } from 'zod';
import type { LeftOut, PoolCopyTask } from '../../care/pool-copy.ts';
import { warningShape } from './progress.ts';
import { countShape, idShape } from './words.ts';

const leftOutShape: z.ZodType<LeftOut> = z.looseObject({ what: z.string(), why: z.string() });

/** What an agent copies from pool to pool. */
export const poolCopyTaskShape: z.ZodType<PoolCopyTask> = z.looseObject({
  sets: z.array(idShape('set')),
  bases: z.array(idShape('set')),
  systems: z.array(z.string().regex(/^\d{1,20}$/)),
  bytesTotal: countShape,
  leftOut: z.array(leftOutShape),
  warnings: z.array(warningShape),
});
