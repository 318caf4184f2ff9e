import type { ErrorSpec } from '../error-spec.ts';

export const walErrors = {} as const satisfies Record<string, ErrorSpec>;
