import { z } from 'zod';
import type { VerifyReport } from '../../restore/report.ts';
import { countShape, idShape } from './words.ts';

export const verifyReportShape: z.ZodType<VerifyReport> = z.looseObject({
  sets: z.array(idShape('set')).exactOptional(),
  objects: countShape,
  bytes: countShape,
  damage: z.array(z.looseObject({ object: z.string(), what: z.string() })),
});
