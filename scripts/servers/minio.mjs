import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { provideInCache } from './cache.mjs';
import { minioPin } from './pins.mjs';
import { fromFirst, namedByEnvironment } from './provide.mjs';
import { findOnPath, runTool } from './tool.mjs';

const remedy = 'Install Go (1.24 or newer), or a MinIO server, and name it in HOLDFAST_MINIO_BIN.';

/** Builds the pinned module; the Go checksum data base guards its content. @param {string} folder */
const fromGo = async (folder) => {
  const place = join(folder, 'go-bin');
  await mkdir(place, { recursive: true });
  const env = { ...process.env, GOBIN: place, CGO_ENABLED: '0', GOFLAGS: '-trimpath' };
  await runTool('go', ['install', `${minioPin.module}@${minioPin.version}`], { env, cwd: folder });
  await rename(join(place, 'minio'), join(folder, 'minio'));
  await rm(place, { recursive: true });
};

/** @param {string} folder */
const fill = (folder) => fromFirst('MinIO', [{ from: 'go install (minutes)', get: () => fromGo(folder) }], remedy);

/**
 * Path of a MinIO server: HOLDFAST_MINIO_BIN, PATH, cache, `go install`.
 * @returns {Promise<string>}
 */
export const provideMinio = async () =>
  namedByEnvironment('HOLDFAST_MINIO_BIN') ??
  findOnPath('minio') ??
  join(await provideInCache('minio', minioPin.version, fill), 'minio');
