import { z } from 'zod';
import { field } from './field.ts';

const since = '0.1';

/** Settings of the command line, which speaks only HTTP. */
export const clientSettings = z.object({
  apiUrl: field(z.string().min(1).default('http://127.0.0.1:8420'), {
    title: 'API URL',
    description: 'Address of the Holdfast API',
    since,
  }),
  token: field(z.string().optional(), {
    title: 'API token',
    description: 'Bearer token hf_…; without it tokenFile, then <home>/admin.token is read',
    since,
    isSecret: true,
  }),
  tokenFile: field(z.string().optional(), { title: 'API token file', description: 'File that holds the token', since }),
  home: field(z.string().optional(), {
    title: 'Home directory',
    description: 'Home of the control plane on this machine; holds admin.token',
    since,
  }),
  password: field(z.string().optional(), {
    title: 'Database password',
    description: 'For `resource login` without a prompt; passwords are never taken from the command line',
    since,
    isSecret: true,
  }),
  passphrase: field(z.string().optional(), {
    title: 'Pool passphrase',
    description: 'For `pool create --encrypted` without a prompt',
    since,
    isSecret: true,
  }),
  s3AccessKey: field(z.string().optional(), {
    title: 'S3 access key',
    description: 'For `pool create --s3`',
    since,
    isSecret: true,
  }),
  s3SecretKey: field(z.string().optional(), {
    title: 'S3 secret key',
    description: 'For `pool create --s3`',
    since,
    isSecret: true,
  }),
});

export type ClientSettings = z.output<typeof clientSettings>;
