import { parentPort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { serveVerify } from './serve-verify.ts';

if (parentPort === null) throw bug('verify-thread runs only as a worker thread');
serveVerify(parentPort);
