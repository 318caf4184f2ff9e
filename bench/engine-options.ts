import { z } from 'zod';

/** What the engine child is told by flags; an action takes those that it needs. */
export const engineOptions = [
  ...(['action', 'home', 'data', 'socket', 'port', 'system-id', 'pool', 'pool-id', 'set-id'] as const),
  ...(['password-file', 'archive', 'target', 'channels', 'base', 'source'] as const),
] as const;

export type EngineOptions = Readonly<Partial<Record<(typeof engineOptions)[number], string>>>;

/** Of a line that an engine which stays is sent. */
export const engineOptionsShape: z.ZodType<EngineOptions> = z.partialRecord(z.enum(engineOptions), z.string());
