import { z } from 'zod';
import type { IdByPrefix, IdPrefix } from '../../id.ts';
import { parseId } from '../../id.ts';
import type { Instant } from '../../instant.ts';
import { parseInstant } from '../../instant.ts';
import { plainPath } from '../../plain-path.ts';
import type { Lsn } from '../../wal/lsn.ts';
import { parseLsn } from '../../wal/lsn.ts';
import type { SegmentName } from '../../wal/segment-name.ts';
import { parseSegmentName } from '../../wal/segment-name.ts';
import type { IdIssue } from '../request-error.ts';
import { cutText } from '../../text.ts';

/** Shapes of the small words that cross a wire as text. They accept exactly what their parse function accepts. */
export const idShape = <P extends IdPrefix>(prefix: P): z.ZodType<IdByPrefix[P], string> =>
  z
    .string()
    .transform((text, context) => {
      if (isId(prefix, text)) return parseId(prefix, text);
      const params: IdIssue = { idKind: prefix, text: cutText(text, 60) };
      context.addIssue({ code: 'custom', message: `not a ${prefix} id`, params: { ...params } });
      return z.NEVER;
    })
    .meta({ description: `id of a ${prefix}`, pattern: idPattern(prefix) });

const idPattern = (prefix: IdPrefix): string => `^${prefix}_[0-9a-f]{32}$`;
const isId = (prefix: IdPrefix, text: string): boolean => new RegExp(idPattern(prefix)).test(text);

/** A time with its zone; a time without one is refused (peers.md §5 item 23). */
export const instantShape: z.ZodType<Instant, string> = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?\s?(Z|[+-]\d{2}(:?\d{2})?)$/,
    'it must be a time with its zone, such as 2026-11-21T10:15:00+08:00',
  )
  .transform((text) => parseInstant(text))
  .meta({ description: 'RFC 3339 time with zone', examples: ['2026-11-21T08:12:20.918000Z'] });

export const lsnShape: z.ZodType<Lsn, string> = z
  .string()
  .regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/, 'it must be a log position such as 0/3000028')
  .transform((text) => parseLsn(text))
  .meta({ description: 'log sequence number', examples: ['0/3000028'] });

export const segmentShape: z.ZodType<SegmentName, string> = z
  .string()
  .regex(/^[0-9A-F]{24}$/, 'it must be the name of a log segment: 24 hex digits')
  .transform((text) => parseSegmentName(text))
  .meta({ description: 'log segment file name' });

/** A count or a size in bytes: a whole number from 0, exact up to 2^53. */
export const countShape = z.number().int().min(0);
/** An absolute path on a host, never of the API's own machine; without slashes and dots that mean nothing. */
export const pathShape = z
  .string()
  .max(4000)
  .regex(/^\/[^\0]*$/, 'it must be an absolute path, such as /srv/backup')
  .overwrite(plainPath)
  .meta({ description: 'absolute path on the agent host' });
/** A name an operator gives: letters, digits, dot, dash, underscore; first a letter or digit. */
export const nameShape = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N}._:@-]{0,79}$/u,
    'it must be letters, digits, dot, dash, underscore or colon, the first a letter or digit, at most 80',
  )
  .meta({ description: 'name: letters, digits, dot, dash, underscore, colon; at most 80' });
