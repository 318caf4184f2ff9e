import { z } from 'zod';
import type { Standing } from '../../care/mark.ts';
import { instantShape } from './words.ts';

/** What the marks of a set say together, as lists show it. */
export const standingShape: z.ZodType<Standing> = z.looseObject({
  isHeld: z.boolean(),
  holdReason: z.string(),
  pin: z.looseObject({ until: instantShape.exactOptional(), reason: z.string() }).exactOptional(),
  isQuarantined: z.boolean(),
  quarantineReason: z.string(),
  name: z.string(),
  labels: z.array(z.string()),
  annotation: z.string(),
});
