/**
 * Runs before test, demo, start and bench on a clone that may have no node_modules: imports node: modules only.
 * Installs with the npm that runs us when lock file, Node ABI or platform changed since the last success; then builds.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withLock } from './servers/lock.mjs';

const root = resolve(import.meta.dirname, '..');
const marker = join(root, 'node_modules', '.holdfast-installed');

/** What the installed packages depend on. */
const fingerprint = () => {
  const lockFile = readFileSync(join(root, 'package-lock.json'));
  const machine = `${process.versions.modules} ${process.platform} ${process.arch}`;
  return createHash('sha256').update(lockFile).update(machine).digest('hex');
};

const isInstalled = () => {
  try {
    return readFileSync(marker, 'utf8') === fingerprint();
  } catch {
    return false;
  }
};

/** @param {readonly string[]} args @returns {Promise<void>} */
const runNpm = (args) => {
  const script = process.env['npm_execpath'];
  // Why: with `npm --silent test` a failed installation would say nothing.
  const env = { ...process.env, npm_config_loglevel: 'warn' };
  const isScript = script !== undefined && /\.c?js$/.test(script);
  const command = isScript ? process.execPath : 'npm';
  const child = spawn(command, [...(isScript ? [script] : []), ...args], { cwd: root, env, stdio: ['ignore', 2, 2] });
  return new Promise((done, refuse) => {
    child.once('error', refuse);
    child.once('exit', (code, signal) => {
      if (code === 0) done();
      else refuse(new Error(`npm ${args.join(' ')} ended with ${signal ?? String(code)}.`));
    });
  });
};

/** npm says nothing until it is done: whoever waits shall see that something goes on. @param {() => Promise<void>} work @returns {Promise<void>} */
const tellWhile = async (work) => {
  const from = performance.now();
  const timer = setInterval(() => {
    process.stderr.write(`holdfast: still installing, ${String(Math.round((performance.now() - from) / 1000))} s\n`);
  }, 15_000);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
};

const install = async () => {
  await mkdir(join(root, '.holdfast'), { recursive: true });
  await withLock(join(root, '.holdfast', 'install-lock'), async () => {
    if (isInstalled()) return;
    process.stderr.write('holdfast: installing packages (npm ci), once; it takes a minute or more\n');
    await tellWhile(() => runNpm(['ci', '--no-audit', '--no-fund']));
    await writeFile(marker, fingerprint());
  });
};

if (!isInstalled()) await install();
/** @type {{ buildAll: () => Promise<void> }} */
const build = await import(pathToFileURL(join(root, 'scripts', 'build.mjs')).href);
await build.buildAll();
