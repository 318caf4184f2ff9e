import { z } from 'zod';
import type { Page, PageRequest } from '#catalog/page.ts';
import type { Caller, Served } from '#api/http/route.ts';

/** Lists: `{data, nextCursor, hasMore}`, newest first, by keyset (console.md §2). */
export const listShape = <T extends z.ZodType>(row: T) =>
  z.object({ data: z.array(row), nextCursor: z.string().nullable(), hasMore: z.boolean() });

export const pageQuery = {
  cursor: z.string().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
};

export const pageRequestOf = ({ cursor, limit }: { cursor?: string | undefined; limit: number }): PageRequest =>
  cursor === undefined ? { limit } : { after: cursor, limit };

export const listOf = <T>({
  data,
  next,
}: Page<T>): Served<{ data: T[]; nextCursor: string | null; hasMore: boolean }> => ({
  answer: { data: [...data], nextCursor: next ?? null, hasMore: next !== undefined },
});

/** A list that is short by nature, in one page. */
export const wholeList = <T>(data: readonly T[]) => listOf<T>({ data });

/** Name for the record of who started something. */
export const nameOf = (caller: Caller): string => (caller.kind === 'token' ? caller.name : caller.kind);
