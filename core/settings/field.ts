import type { z } from 'zod';

/** What is said about a setting once and shown everywhere: CLI help, OpenAPI, forms, docs/reference/settings.md (design §3). */
export interface FieldMeta {
  readonly title: string;
  readonly description: string;
  /** Unit of the value, e.g. `minutes`, `bytes per second`. */
  readonly unit?: string;
  readonly example?: string;
  /** Version that brought the setting. */
  readonly since: string;
  readonly isSecret?: boolean;
}

/** A described setting: one without title, description and version does not compile. */
export const field = <T extends z.ZodType>(schema: T, meta: FieldMeta): T => schema.meta({ ...meta });
