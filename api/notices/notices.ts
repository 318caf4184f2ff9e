import { randomInt } from 'node:crypto';
import type { Attempt, ChannelKind } from '#core/notice/channel.ts';
import type { ServerSettings } from '#core/settings/server-settings.ts';
import type { Context } from '../context.ts';
import { openAddressGuard } from './address-guard.ts';
import type { Notices } from './notice-door.ts';
import { openPump } from './pump.ts';
import { mailServerOf, openMailSender } from './send-mail.ts';
import { openWebhookSender } from './send-webhook.ts';

export type NoticePorts = Pick<Context, 'catalog' | 'vault' | 'clock' | 'log' | 'ids'> & {
  readonly onAttempt?: (kind: ChannelKind, attempt: Attempt) => void;
};

/** Networks as they stand in the setting: separated by commas. */
const networksOf = (text: string): string[] =>
  text
    .split(',')
    .map((network) => network.trim())
    .filter((network) => network !== '');

/** Throws `setting_invalid`. */
export function openNotices(ports: NoticePorts, settings: ServerSettings): Notices {
  const guard = openAddressGuard(networksOf(settings.noticeAllow));
  const mailServer = mailServerOf(settings);
  const webhook = openWebhookSender({ ...ports, guard });
  const pump = openPump({
    ...ports,
    senders: mailServer === undefined ? { webhook } : { webhook, mail: openMailSender(mailServer, ports.clock) },
    chance: () => randomInt(1000) / 1000,
    onTrouble: (cause) => {
      ports.log.warn({ cause: cause instanceof Error ? cause.message : 'no reason given' }, 'deliveries wait');
    },
  });
  return { ...pump, guard, canMail: mailServer !== undefined };
}
