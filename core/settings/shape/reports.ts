import { z } from 'zod';
import { verifyDepths } from '../../care/verify-depth.ts';
import type { VerifyReport } from '../../restore/report.ts';
import { warningShape } from './progress.ts';
import { countShape, idShape } from './words.ts';

export const verifyReportShape: z.ZodType<VerifyReport> = z.looseObject({
  depth: z.enum(verifyDepths).exactOptional(),
  sets: z.array(idShape('set')).exactOptional(),
  objects: countShape,
  bytes: countShape,
  pages: countShape.exactOptional(),
  damage: z.array(z.looseObject({ object: z.string(), what: z.string() })),
  damageCount: countShape.exactOptional(),
  warnings: z.array(warningShape).exactOptional(),
});
