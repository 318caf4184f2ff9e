import type { ErrorSpec } from '../error-spec.ts';

export const poolErrors = {} as const satisfies Record<string, ErrorSpec>;
