import { readFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';
import { z } from 'zod';
import { fail } from '#core/errors/fail.ts';
import { mailOf } from '#core/notice/message.ts';
import type { Clock } from '#core/ports/clock.ts';
import type { ServerSettings } from '#core/settings/server-settings.ts';
import type { Send } from './sender.ts';
import { patienceMs } from './sender.ts';

/** What sending mail needs to know; the password comes from the URL, a setting or a file. */
export interface MailServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte (smtps); with smtp the session changes to TLS when the server offers it. */
  readonly isTls: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
}

type MailSettings = Pick<ServerSettings, 'smtpUrl' | 'smtpFrom' | 'smtpPassword' | 'smtpPasswordFile'>;

/** Undefined when no mail server is set. Throws `setting_invalid`. */
export function mailServerOf(settings: MailSettings): MailServer | undefined {
  const { smtpUrl, smtpFrom, smtpPassword, smtpPasswordFile } = settings;
  if (smtpUrl === undefined) return undefined;
  const invalid = (name: string, reason: string) => fail('setting_invalid', { name: `HOLDFAST_SMTP_${name}`, reason });
  if (smtpFrom === undefined) throw invalid('FROM', 'a mail server is set, but nobody to send as');
  if (!URL.canParse(smtpUrl)) throw invalid('URL', 'not a URL as smtps://user@mail.example:465');
  const url = new URL(smtpUrl);
  const isTls = url.protocol === 'smtps:';
  if (!isTls && url.protocol !== 'smtp:') throw invalid('URL', 'neither smtp: nor smtps:');
  const fromFile = smtpPasswordFile === undefined ? undefined : passwordIn(smtpPasswordFile);
  const password = smtpPassword ?? fromFile ?? decodeURIComponent(url.password);
  return {
    ...{
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (isTls ? 465 : 587),
      isTls,
      from: smtpFrom,
    },
    ...(url.username === '' ? {} : { user: decodeURIComponent(url.username), password }),
  };
}

function passwordIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be read';
    throw fail('setting_invalid', { name: 'HOLDFAST_SMTP_PASSWORD_FILE', reason }, cause);
  }
}

const refusalShape = z.object({ responseCode: z.number().int() });

/** What goes to this computer passes no network. */
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1)$/i.test(host);

/**
 * Sends a mail per event, one connection each. A password leaves this computer only through TLS: a server that does not offer it
 * (or whose offer somebody on the way removed) is not logged in to. A refusal for good (SMTP 5xx) is not tried again.
 */
export function openMailSender({ host, port, isTls, user, password = '', from }: MailServer, clock: Clock): Send {
  const transport = createTransport({
    ...{ host, port, secure: isTls, ...(user === undefined ? {} : { auth: { user, pass: password } }) },
    requireTLS: user !== undefined && !isLoopback(host),
    ...{ connectionTimeout: patienceMs, greetingTimeout: patienceMs, socketTimeout: patienceMs },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  });
  return async ({ place }, event) => {
    const began = clock.nowMs();
    if (place.kind !== 'mail') return { ms: 0, error: 'not a mail box', isFinal: true };
    const { subject, text } = mailOf(event);
    try {
      await transport.sendMail({ from, to: [...place.to], subject, text, messageId: `<${event.id}@holdfast>` });
      return { ms: clock.nowMs() - began, status: 250 };
    } catch (cause) {
      const ms = clock.nowMs() - began;
      const error = cause instanceof Error ? cause.message : 'no reason given';
      const refusal = refusalShape.safeParse(cause);
      if (!refusal.success) return { ms, error };
      const status = refusal.data.responseCode;
      return { ms, status, error, isFinal: status >= 500 && status < 600 };
    }
  };
}
