import type { ErrorSpec } from '../error-spec.ts';

export const platformErrors = {} as const satisfies Record<string, ErrorSpec>;
