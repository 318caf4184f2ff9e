#!/usr/bin/env node
/** One command, five programs: this file only dispatches (build.md "One CLI, five programs"). */
import { existsSync } from 'node:fs';

const programs = { agent: 'agent', worker: 'control', api: 'api', 'wal-archive': 'wal-archive' };

const name = process.argv[2] ?? '';
const isProgram = Object.hasOwn(programs, name);
if (isProgram) process.argv.splice(2, 1);
const file = new URL(`../dist/${isProgram ? programs[/** @type {keyof typeof programs} */ (name)] : 'cli'}.js`, import.meta.url);
if (existsSync(file)) {
  await import(file.href);
} else {
  process.stderr.write('holdfast is not built yet: run npm start, npm run demo or npm ci && npm run build in its folder first\n');
  process.exitCode = 3;
}
