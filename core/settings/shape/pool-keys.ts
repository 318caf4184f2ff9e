import { z } from 'zod';
import type { KitFacts } from '../../pool/recovery-kit.ts';
import { countShape, instantShape } from './words.ts';

/** What a rotation of the key of a pool came to. */
export const rotatedKeyShape = z.looseObject({
  /** The key that is in force now. */
  version: countShape,
  /** False when the passphrase was in force already. */
  isNew: z.boolean(),
});

/** What an agent finds in a pool for its recovery kit. */
export const kitFactsShape: z.ZodType<KitFacts> = z.looseObject({
  ...{ createdAt: instantShape, format: countShape, isEncrypted: z.boolean(), keyVersion: countShape },
  objects: z.array(z.looseObject({ key: z.string(), text: z.string() })),
});
