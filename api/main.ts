import { pino } from 'pino';
import { readSettings } from '#core/settings/registry.ts';
import { serverSettings } from '#core/settings/server-settings.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { exitCodes } from '#core/errors/error-spec.ts';
import { runApi } from './run-api.ts';

/** `holdfast api`: logs JSON lines to stdout; SIGTERM and SIGINT stop it after open requests. */
const log = pino({ name: 'holdfast-api' });
try {
  const settings = readSettings(serverSettings, process.env);
  const api = await runApi(settings, { clock: { nowMs: () => Date.now() }, log });
  log.info({ url: api.url }, 'listening');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'stopping');
      void api.close().then(() => process.exit(0));
    });
  }
} catch (cause) {
  if (!(cause instanceof HoldfastError)) throw cause;
  log.fatal({ code: cause.code, hint: cause.hint }, cause.message);
  process.exitCode = exitCodes[cause.class];
}
