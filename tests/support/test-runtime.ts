import { installRuntime } from '#wire/runtime.ts';

/** Imported for its effect: files that share a process share this module, and Temporal allows one runtime per process. */
installRuntime((level, message, meta) => {
  if (level === 'error') process.stderr.write(`${message} ${JSON.stringify(meta)}\n`);
});
