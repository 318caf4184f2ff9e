import { join } from 'node:path';
import { engineProfile } from '#core/engine/profiles.ts';
import { fail } from '#core/errors/fail.ts';
import type { RestorePlan } from '#core/restore/plan/plan.ts';
import { lastValue } from '#core/restore/recovery/configuration-text.ts';
import { quietSettings } from '#core/restore/recovery/recovery-settings.ts';
import { readConfiguration } from './effective-configuration.ts';

/**
 * Reads the configuration of a scratch or drilled instance back, as its server will, and refuses to start that when anything could lead
 * it to production: once it runs, a subscription or an archiver needs a moment only. Says nothing of other restores. Throws `copy_not_apart`, `config_file_bad`.
 */
export function requireApart({ directory, plan }: { readonly directory: string; readonly plan: RestorePlan }): void {
  if (plan.ways?.isScratch !== true) return;
  const { files, recovery } = engineProfile(plan.engine);
  const names = [files.configuration, files.autoConfiguration, ...(recovery === 'recovery.conf' ? [recovery] : [])];
  const read = names.flatMap((name) => readConfiguration(join(directory, name)));
  const loud = Object.entries(quietSettings).filter(([name, quiet]) => {
    // A server before PostgreSQL 12 follows nobody when nothing is said.
    const said =
      lastValue(read, name) ?? (name === 'primary_conninfo' && recovery === 'recovery.conf' ? '' : undefined);
    return said !== quiet;
  });
  if (loud.length === 0) return;
  const found = loud.map(([name]) => `${name} is ${lastValue(read, name) ?? 'not set'}`).join(', ');
  throw fail('copy_not_apart', { directory, found });
}
