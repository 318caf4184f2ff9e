/** `npm run check`: everything that can be said about the code without running it. Zero findings or exit code 1. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const atOnce = 2;
const layers = [
  'core',
  'workflows',
  'activities',
  'agent',
  'wire',
  'catalog',
  'workers',
  'api',
  'bench',
  'bin',
  'scripts',
  'tests',
];
const present = layers.filter((layer) => existsSync(join(root, layer)));

/** @type {readonly (readonly [string, readonly string[]])[]} */
const steps = [
  ['lint', ['eslint', '--cache', '--cache-location', 'node_modules/.cache/eslint/', '.']],
  ['types', ['tsc', '-p', '.']],
  ['types of core', ['tsc', '-p', 'tsconfig.core.json']],
  ['types of workflows', ['tsc', '-p', 'tsconfig.workflows.json']],
  ['types of activities', ['tsc', '-p', 'tsconfig.activities.json']],
  ['layers', ['depcruise', '--no-progress', ...present]],
  ['unused', ['knip', '--no-progress']],
  ['format', ['prettier', '--check', '--log-level', 'warn', '--cache', '.']],
  ['generated', ['tsx', 'scripts/generate/main.ts', '--check']],
];

/** @param {readonly [string, readonly string[]]} step @returns {Promise<boolean>} */
const run = async ([name, [command = '', ...args]]) => {
  const start = performance.now();
  const child = spawn(join(root, 'node_modules', '.bin', command), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  /** @type {Buffer[]} */
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const code = await new Promise((done) => {
    child.once('error', () => done(-1));
    child.once('close', done);
  });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n`);
  if (code !== 0) process.stdout.write(Buffer.concat(output));
  return code === 0;
};

const left = [...steps];
let isClean = true;
const lane = async () => {
  for (let step = left.shift(); step !== undefined; step = left.shift()) isClean = (await run(step)) && isClean;
};
await Promise.all(Array.from({ length: atOnce }, lane));
process.exitCode = isClean ? 0 : 1;
