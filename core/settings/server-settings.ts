import { z } from 'zod';
import { field } from './field.ts';
import { noticeFields } from './notice-settings.ts';
import { readyFields } from './ready-file.ts';
import { temporalAccessFields } from './temporal-access.ts';
import { traceFields } from './trace-settings.ts';

const since = '0.1';

/** Where Temporal is and how its queues are named: shared by api, worker and agent. */
export const temporalFields = {
  temporalAddress: field(z.string().min(1).default('127.0.0.1:7233'), {
    title: 'Temporal address',
    description: 'Host and port of the Temporal frontend',
    example: '127.0.0.1:7233',
    since,
  }),
  temporalNamespace: field(z.string().min(1).default('default'), {
    title: 'Temporal namespace',
    description: 'Namespace that holds the workflows of this installation',
    since,
  }),
  queuePrefix: field(z.string().max(60).default(''), {
    title: 'Queue prefix',
    description: 'Put before every task queue name; separates test files on one Temporal server, empty in production',
    since,
  }),
};

/** Settings of `holdfast api`, `holdfast worker` and `holdfast init`: the processes of the control plane. */
export const serverSettings = z.object({
  home: field(z.string().min(1), {
    title: 'Home directory',
    description: 'Holds master.key, payload.key and admin.token, each 0600; api and worker share it',
    example: '/var/lib/holdfast',
    since,
  }),
  catalogUrl: field(z.string().min(1), {
    title: 'Catalog URL',
    description: 'PostgreSQL connection URL of the catalog; a Unix socket as postgresql://user@/db?host=/dir&port=5432',
    example: 'postgresql://holdfast@db.example/holdfast',
    since,
    isSecret: true,
  }),
  catalogPasswordFile: field(z.string().optional(), {
    title: 'Catalog password file',
    description: 'File that holds the password of the catalog, which is then left out of the URL',
    example: '/run/secrets/catalog',
    since,
  }),
  ...temporalFields,
  ...temporalAccessFields,
  ...readyFields,
  temporalUiUrl: field(z.string().optional(), {
    title: 'Temporal Web URL',
    description: 'Base address of Temporal Web; with it every run links to its workflow',
    example: 'http://127.0.0.1:8233',
    since,
  }),
  apiHost: field(z.string().min(1).default('127.0.0.1'), {
    title: 'API listen address',
    description: 'Address the API listens on; listen beyond this machine only with a certificate',
    since,
  }),
  apiPort: field(z.coerce.number().int().min(0).max(65535).default(8420), {
    title: 'API port',
    description: 'Port the API listens on; 0 takes a free one and prints it',
    since,
  }),
  apiTlsCert: field(z.string().optional(), {
    title: 'API certificate file',
    description: 'PEM certificate chain; with apiTlsKey the API speaks HTTPS only',
    since,
  }),
  apiTlsKey: field(z.string().optional(), {
    title: 'API certificate key file',
    description: 'PEM private key of the certificate',
    since,
  }),
  ...noticeFields,
  ...traceFields,
  /** Address and namespace that enrolled agents are told when theirs differ from the API's own. */
  agentTemporalAddress: field(z.string().optional(), {
    title: 'Temporal address for agents',
    description: 'What agents are told at enrolment; the API’s own Temporal address when absent',
    since,
  }),
});

export type ServerSettings = z.output<typeof serverSettings>;
