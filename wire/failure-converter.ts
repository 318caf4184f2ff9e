import { DefaultFailureConverter } from '@temporalio/common';

/**
 * Built to the CommonJS file `dist/failure-converter.cjs`, which Temporal loads by path. The codec alone leaves failure
 * messages and stack traces readable in the history; encoding the common attributes hides them (temporal-verified §13).
 */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
