import { z } from 'zod';
import type { Channel, ChannelPlace, Delivery } from '../../notice/channel.ts';
import { isEventPattern } from '../../notice/event-type.ts';
import { eventTypeShape } from './event.ts';
import { countShape, idShape, instantShape, nameShape } from './words.ts';

/** What a channel asks for: `*`, `problems`, `run.*` or one type. */
export const eventPatternsShape = z
  .array(z.string().max(60).refine(isEventPattern, 'neither *, problems, a group as run.*, nor a type of event'))
  .min(1)
  .max(50);

/** An address of a person or a list: what SMTP servers take without quoting. */
const mailAddressShape = z
  .string()
  .max(254)
  .regex(/^[A-Za-z0-9._%+=-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'it must be a mail address, such as dba@example.org');

export const channelPlaceShape: z.ZodType<ChannelPlace> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('webhook'), url: z.string().max(2000) }),
  z.object({ kind: z.literal('mail'), to: z.array(mailAddressShape).min(1).max(50) }),
]);

export const newChannelShape = z.object({
  name: nameShape,
  place: channelPlaceShape,
  types: eventPatternsShape.default(['*']),
});

const absent = <T extends z.ZodType>(shape: T) => shape.nullish().transform((value) => value ?? undefined);

export const channelShape: z.ZodType<Channel> = z.object({
  ...{ id: idShape('chan'), name: z.string(), types: z.array(z.string()), place: channelPlaceShape },
  ...{ isEnabled: z.boolean(), disabledWhy: absent(z.string()), formerUntil: absent(instantShape) },
  ...{ createdBy: z.string(), createdAt: instantShape },
});

export const deliveryShape: z.ZodType<Delivery> = z.object({
  ...{ id: idShape('dlv'), channelId: idShape('chan'), eventId: idShape('evt'), type: eventTypeShape },
  ...{ state: z.enum(['waiting', 'delivered', 'failed']), attempts: countShape, nextAt: instantShape },
  ...{ createdAt: instantShape, endedAt: absent(instantShape) },
  ...{ status: absent(countShape), error: absent(z.string()), ms: absent(countShape) },
});
