import type { ErrorSpec } from '../error-spec.ts';

export const restoreErrors = {} as const satisfies Record<string, ErrorSpec>;
