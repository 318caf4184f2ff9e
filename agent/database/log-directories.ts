import { join } from 'node:path';
import type { DiscoveredInstance } from '#core/agent/inspection.ts';
import { engineProfile } from '#core/engine/profiles.ts';
import { HoldfastError } from '#core/errors/holdfast-error.ts';
import { lastValue } from '#core/restore/recovery/configuration-text.ts';
import { readIfPresent } from '#agent/datadir/reader.ts';
import { canonicalPath } from '#agent/datadir/writer-paths.ts';
import type { SettingRead } from '#agent/restore/recovery/effective-configuration.ts';
import { readConfiguration } from '#agent/restore/recovery/effective-configuration.ts';
import { archiveDirectoryOf } from './archive-directory.ts';

/**
 * Where instances keep log: the directories behind their `pg_wal` and those that their archive_command names, canonical. What their
 * configuration does not show (a script, a setting of the command line) is not among them, nor what cannot be read.
 */
export const logDirectoriesOf = (instances: readonly DiscoveredInstance[]): readonly string[] =>
  instances.flatMap(({ engine, dataDirectory }) => {
    const { files } = engineProfile(engine);
    const main = configFileIn(readIfPresent(join(dataDirectory, files.opts)) ?? '');
    const read = [main ?? join(dataDirectory, files.configuration), join(dataDirectory, files.autoConfiguration)];
    const command = lastValue(read.flatMap(assignmentsOf), 'archive_command');
    const archive = archiveDirectoryOf(command ?? '');
    return [join(dataDirectory, files.log), ...(archive === undefined ? [] : [archive])].map(canonicalPath);
  });

function assignmentsOf(file: string): readonly SettingRead[] {
  try {
    return readConfiguration(file);
  } catch (error) {
    // Why no refusal: the files of one instance must not keep every other from being restored.
    if (error instanceof HoldfastError) return [];
    throw error;
  }
}

/** The main file of a server that was started with another than its own, as Debian does. */
const configFileIn = (opts: string): string | undefined => /config_file=(\/[^"]+)"/.exec(opts)?.[1];
