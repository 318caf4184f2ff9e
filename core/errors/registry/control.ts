import type { ErrorSpec } from '../error-spec.ts';

export const controlErrors = {} as const satisfies Record<string, ErrorSpec>;
