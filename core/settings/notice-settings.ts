import { z } from 'zod';
import { field } from './field.ts';

const since = '0.1';

/** Settings of the API about telling others: webhooks, mail, metrics. */
export const noticeFields = {
  noticeAllow: field(z.string().max(4000).default(''), {
    title: 'Networks of webhooks',
    description:
      'Addresses and networks that webhooks may reach although they are not public, separated by commas; they may also be reached without TLS',
    example: '10.1.2.0/24,192.168.7.5',
    since,
  }),
  smtpUrl: field(z.string().max(2000).optional(), {
    title: 'Mail server URL',
    description:
      'smtps://user@host:465 for TLS from the first byte, smtp://user@host:587 to change to TLS when offered',
    example: 'smtps://holdfast@mail.example:465',
    since,
    isSecret: true,
  }),
  smtpFrom: field(z.string().max(300).optional(), {
    title: 'Sender of mail',
    description: 'Address that mail comes from; needed with a mail server',
    example: 'Holdfast <holdfast@example.org>',
    since,
  }),
  smtpPassword: field(z.string().max(1000).optional(), {
    title: 'Mail server password',
    description: 'Password of the user in the mail server URL',
    since,
    isSecret: true,
  }),
  smtpPasswordFile: field(z.string().max(4000).optional(), {
    title: 'Mail server password file',
    description: 'File that holds the password of the user in the mail server URL',
    since,
  }),
  metricsOpen: field(z.enum(['yes', 'no']).default('no'), {
    title: 'Open metrics',
    description: 'yes: /metrics needs no token; no: it needs one that may read',
    since,
  }),
};
