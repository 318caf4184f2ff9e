import { z } from 'zod';
import type { VerifyReport } from '../../restore/report.ts';
import { countShape } from './words.ts';

export const verifyReportShape: z.ZodType<VerifyReport> = z.looseObject({
  objects: countShape,
  bytes: countShape,
  damage: z.array(z.looseObject({ object: z.string(), what: z.string() })),
});
