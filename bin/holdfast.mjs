#!/usr/bin/env node
/** One command, five programs: this file only dispatches (build.md "One CLI, five programs"). */
const programs = { agent: 'agent', worker: 'control', api: 'api', 'wal-archive': 'wal-archive' };

const name = process.argv[2] ?? '';
const isProgram = Object.hasOwn(programs, name);
if (isProgram) process.argv.splice(2, 1);
const file = `../dist/${isProgram ? programs[/** @type {keyof typeof programs} */ (name)] : 'cli'}.js`;
await import(file).catch((/** @type {NodeJS.ErrnoException} */ error) => {
  const isUnbuilt = error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes('/dist/');
  if (!isUnbuilt) throw error;
  process.stderr.write('holdfast is not built yet: run npm start, npm run demo, or npm ci && npm run build first\n');
  process.exitCode = 3;
});
