import { parentPort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { serveCopy } from './serve-copy.ts';

if (parentPort === null) throw bug('copy-thread runs only as a worker thread');
serveCopy(parentPort);
