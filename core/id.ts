import { fail } from './errors/fail.ts';
import { cutText } from './text.ts';

declare const brand: unique symbol;
/** A text that only its `parse…` function makes; two brands never mix. */
export type Brand<T, B extends string> = T & { readonly [brand]: B };

export type HostId = Brand<string, 'HostId'>;
export type ResourceId = Brand<string, 'ResourceId'>;
export type PoolId = Brand<string, 'PoolId'>;
export type JobId = Brand<string, 'JobId'>;
export type RunId = Brand<string, 'RunId'>;
export type SetId = Brand<string, 'SetId'>;
export type BatchId = Brand<string, 'BatchId'>;
export type AttemptId = Brand<string, 'AttemptId'>;
export type TokenId = Brand<string, 'TokenId'>;
export type PlanId = Brand<string, 'PlanId'>;
export type MarkId = Brand<string, 'MarkId'>;
export type EventId = Brand<string, 'EventId'>;
export type ChannelId = Brand<string, 'ChannelId'>;
export type DeliveryId = Brand<string, 'DeliveryId'>;

/** Prefix of each id in text form, e.g. `run_0193…`: build.md "Ids: prefixed UUIDv7". */
export interface IdByPrefix {
  host: HostId;
  res: ResourceId;
  pool: PoolId;
  job: JobId;
  run: RunId;
  set: SetId;
  batch: BatchId;
  try: AttemptId;
  tok: TokenId;
  plan: PlanId;
  mark: MarkId;
  evt: EventId;
  chan: ChannelId;
  dlv: DeliveryId;
}
export type IdPrefix = keyof IdByPrefix;

/** What an id of each prefix is of, in words. */
export const nounOf: Readonly<Record<IdPrefix, string>> = {
  ...{
    host: 'host',
    res: 'resource',
    pool: 'pool',
    job: 'job',
    run: 'run',
    set: 'set',
    batch: 'batch',
    try: 'attempt',
  },
  ...{ tok: 'token', plan: 'plan', mark: 'mark', evt: 'event', chan: 'channel', dlv: 'delivery' },
};

const shape = /^(host|res|pool|job|run|set|batch|try|tok|plan|mark|evt|chan|dlv)_[0-9a-f]{32}$/;

/** Parses an id of the given kind. Throws `id_malformed` for anything else. */
export function parseId<P extends IdPrefix>(prefix: P, text: string): IdByPrefix[P] {
  if (!shape.test(text) || !text.startsWith(`${prefix}_`)) {
    throw fail('id_malformed', { kind: prefix, noun: nounOf[prefix], text: cutText(text, 60) });
  }
  return text as unknown as IdByPrefix[P];
}

/**
 * Builds a prefixed UUIDv7 (RFC 9562 §5.7) from a time in milliseconds since 1970 and at least
 * 10 random bytes. Pure: the caller brings time and randomness.
 */
export function formatId<P extends IdPrefix>(prefix: P, nowMs: number, random: Uint8Array): IdByPrefix[P] {
  const bytes = new Uint8Array(16);
  bytes.set(random.subarray(0, 10), 6);
  for (let i = 5, rest = nowMs; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
  return `${prefix}_${hex}` as unknown as IdByPrefix[P];
}

/**
 * An id greater than an earlier one of its kind, also when the clock was put back since: `drawn` itself, or its random part
 * one millisecond behind the earlier id.
 */
export function idAfter<P extends IdPrefix>(prefix: P, earlier: IdByPrefix[P], drawn: IdByPrefix[P]): IdByPrefix[P] {
  const [earlierHex, drawnHex] = [String(earlier), String(drawn)].map((text) => text.slice(prefix.length + 1));
  if (earlierHex === undefined || drawnHex === undefined || drawnHex > earlierHex) return drawn;
  const random = Uint8Array.from({ length: 10 }, (_, i) => parseInt(drawnHex.slice(12 + 2 * i, 14 + 2 * i), 16));
  return formatId(prefix, parseInt(earlierHex.slice(0, 12), 16) + 1, random);
}
