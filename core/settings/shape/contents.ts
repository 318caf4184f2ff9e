import { z } from 'zod';
import type { ContentsView } from '../../contents/contents.ts';
import type { NamesFound, WantedName } from '../../contents/wanted-names.ts';
import { countShape, idShape } from './words.ts';

const limit = z.number().int().min(1).max(1000);

export const contentsViewShape: z.ZodType<ContentsView> = z.discriminatedUnion('of', [
  z.looseObject({ of: z.literal('files'), prefix: z.string(), after: z.string(), limit }),
  z.looseObject({ of: z.literal('tables'), limit }),
  z.looseObject({ of: z.literal('diff'), earlier: idShape('set'), limit }),
]);

const amount = { sizeBytes: countShape, ownBytes: countShape, storedBytes: countShape };

export const fileListShape = z.looseObject({
  of: z.literal('files'),
  files: z.array(z.looseObject({ path: z.string(), ...amount })),
  hasMore: z.boolean(),
  total: z.looseObject({ ...amount, files: countShape }),
});

export const tableListShape = z.looseObject({
  of: z.literal('tables'),
  tables: z.array(z.looseObject({ path: z.string(), ...amount, files: countShape, name: z.string().exactOptional() })),
  hasMore: z.boolean(),
  naming: z.string(),
});

export const setDifferenceShape = z.looseObject({
  of: z.literal('diff'),
  unchanged: countShape,
  added: countShape,
  removed: countShape,
  changed: countShape,
  changedBytes: countShape,
  files: z.array(
    z.looseObject({
      path: z.string(),
      change: z.enum(['added', 'removed', 'changed']),
      earlierBytes: countShape,
      laterBytes: countShape,
      changedBytes: countShape,
    }),
  ),
  hasMore: z.boolean(),
});

export const wantedNameShape: z.ZodType<WantedName> = z.looseObject({
  database: z.string(),
  schema: z.string().exactOptional(),
  table: z.string().exactOptional(),
});

export const namesFoundShape: z.ZodType<NamesFound> = z.looseObject({
  isKnown: z.boolean(),
  absent: z.array(
    z.looseObject({
      of: z.enum(['database', 'schema', 'table']),
      wanted: wantedNameShape,
      near: z.array(z.string()),
    }),
  ),
});
