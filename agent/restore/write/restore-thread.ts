import { parentPort } from 'node:worker_threads';
import { bug } from '#core/errors/fail.ts';
import { serveWrite } from './serve-write.ts';

if (parentPort === null) throw bug('restore-thread runs only as a worker thread');
serveWrite(parentPort);
