import { z } from 'zod';
import type { RateLimits } from '#core/run/rate.ts';
import { parseLimits } from '#core/settings/rate-text.ts';

const example = '20MiB/s, or "mon-fri 08-18 10MiB/s; 50MiB/s"';

/** Options of every command that starts a run which moves bytes (K-085, K-086, K-110). `disk` says what the disk does. */
export const limitOptions = (disk: 'reads' | 'writes'): Readonly<Record<string, string>> => ({
  '--limit-transfer <limit>': `limit to and from the pool: ${example}, the first part that fits counts (K-085)`,
  '--limit-disk <limit>': `limit of disk ${disk}, written like that of the transfer (${disk === 'reads' ? 'K-086' : 'K-110'})`,
  '--limit-zone <zone>': 'time zone of the hours in limits, e.g. Asia/Shanghai (that of this terminal)',
});
export const limitShape = {
  limitTransfer: z.string().optional(),
  limitDisk: z.string().optional(),
  limitZone: z.string().optional(),
};

/** Options of every command that starts a run on a host (K-084). */
export const reconnectOptions = {
  '--reconnect <minutes>': 'bear it this long when the agent or the pool goes away, 1 to 60 (10; K-084)',
};
export const reconnectShape = { reconnect: z.coerce.number().int().optional() };
export const reconnectOf = (reconnect: number | undefined): { readonly reconnectMinutes?: number } =>
  reconnect === undefined ? {} : { reconnectMinutes: reconnect };

/** How much may be on its way (K-110). */
export const resumeBufferOptions = {
  '--resume-buffer <MiB>': 'bytes a channel may have under way unacknowledged, 2 to 64 MiB (10; K-110)',
};
export const resumeBufferShape = { resumeBuffer: z.coerce.number().int().min(2).max(64).optional() };
export const resumeBufferOf = (mebibytes: number | undefined): { readonly resumeBufferBytes?: number } =>
  mebibytes === undefined ? {} : { resumeBufferBytes: mebibytes * 1_048_576 };

interface TypedLimits {
  readonly limitTransfer?: string | undefined;
  readonly limitDisk?: string | undefined;
  readonly limitZone?: string | undefined;
}

/** The limits that were typed. Hours are those of the terminal's own zone unless another is named. Throws `value_malformed`. */
export const limitsOf = ({ limitTransfer, limitDisk, limitZone }: TypedLimits): RateLimits =>
  parseLimits({
    transfer: limitTransfer,
    disk: limitDisk,
    zone: limitZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
