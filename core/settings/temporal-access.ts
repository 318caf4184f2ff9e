import { z } from 'zod';
import { field } from './field.ts';

const since = '0.1';
const file = z.string().startsWith('/', 'an absolute path').optional();

/** How a process proves itself to Temporal, and Temporal to it: api, worker, init and agent, each with its own. */
export const temporalAccessFields = {
  temporalTls: field(z.enum(['yes', 'no']).default('no'), {
    title: 'Temporal TLS',
    description: 'Speak TLS to Temporal; the other settings of its TLS and its API key switch it on too',
    since,
  }),
  temporalTlsCa: field(file, {
    title: 'Temporal CA file',
    description: 'PEM certificates that may have signed that of Temporal; the public ones when absent',
    since,
  }),
  temporalTlsCert: field(file, {
    title: 'Temporal client certificate file',
    description: 'PEM certificate that this process shows to Temporal (mTLS), with temporalTlsKey',
    since,
  }),
  temporalTlsKey: field(file, {
    title: 'Temporal client key file',
    description: 'PEM private key of that certificate',
    since,
  }),
  temporalTlsServerName: field(z.string().optional(), {
    title: 'Temporal server name',
    description: 'Name in the certificate of Temporal when its address is another',
    since,
  }),
  temporalApiKeyFile: field(file, {
    title: 'Temporal API key file',
    description: 'File with an API key or JWT for Temporal; read again for each new connection',
    since,
  }),
};

export type TemporalAccess = z.output<z.ZodObject<typeof temporalAccessFields>>;
