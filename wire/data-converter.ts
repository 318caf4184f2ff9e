import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { KeyRing } from './key-ring.ts';
import { openPayloadCodec } from './payload-codec.ts';
import type { PayloadKey } from './payload-key.ts';

/** The one data converter of the API, the control worker and the agents: all of them hold the same payload keys. */
export const dataConverterOf = (keys: PayloadKey | KeyRing): DataConverter => ({
  payloadCodecs: [openPayloadCodec(keys)],
  failureConverterPath: failureConverterPath(),
});

/** `dist/failure-converter.cjs`, seen from a built program in `dist/` or from the source tree. */
export function failureConverterPath(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return basename(here) === 'dist'
    ? join(here, 'failure-converter.cjs')
    : join(here, '..', 'dist', 'failure-converter.cjs');
}
