import { join } from 'node:path';
import type { EngineProfile } from '#core/engine/profile.ts';
import { lastValue } from '#core/restore/recovery/configuration-text.ts';
import type { ConfigurationPaths } from '#agent/datadir/configuration.ts';
import { readIfPresent } from '#agent/datadir/reader.ts';
import { readConfiguration } from '#agent/restore/recovery/effective-configuration.ts';

/**
 * Where a closed instance has its configuration, as far as it can be told without its server: the main file that its last
 * start named, and what that one names.
 */
export function closedConfiguration({ files }: EngineProfile, dataDirectory: string): ConfigurationPaths {
  const started = readIfPresent(join(dataDirectory, files.opts)) ?? '';
  const named = /config[_-]file=("[^"]*"|'[^']*'|[^\s"']+)/.exec(started)?.[1]?.replace(/^["']|["']$/g, '');
  const main = named?.startsWith('/') === true ? named : join(dataDirectory, files.configuration);
  const read = [...readConfiguration(main), ...readConfiguration(join(dataDirectory, files.autoConfiguration))];
  const included = [...new Set(read.map(({ file }) => file))].filter((file) => file !== main);
  return {
    main,
    hba: lastValue(read, 'hba_file') ?? '',
    ident: lastValue(read, 'ident_file') ?? '',
    included,
  };
}
