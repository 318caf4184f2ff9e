import type { ErrorSpec } from '../error-spec.ts';

export const databaseErrors = {} as const satisfies Record<string, ErrorSpec>;
