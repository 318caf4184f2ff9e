#!/usr/bin/env node
/** One command, five programs: this file only dispatches (build.md "One CLI, five programs"). */
const programs = { agent: 'agent', worker: 'control', api: 'api', 'wal-archive': 'wal-archive' };

const name = process.argv[2] ?? '';
const isProgram = Object.hasOwn(programs, name);
if (isProgram) process.argv.splice(2, 1);
await import(`../dist/${isProgram ? programs[/** @type {keyof typeof programs} */ (name)] : 'cli'}.js`);
