import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { BlockReferences } from '#core/changed/block-references.ts';
import { formatReferenceLines } from '#core/changed/reference-lines.ts';
import { bug } from '#core/errors/fail.ts';
import { LogReader } from '#core/wal/read-segment.ts';
import { sha256Hex } from '#agent/codec/hash.ts';
import { codeOf } from '#agent/file-system.ts';
import type { LogMemory } from '#agent/wasm/log-memory.ts';
import { slotOf, sumsIn } from '#agent/wasm/log-memory.ts';
import type { CheckAnswer, ReadAnswer, SlotBytes, ToScan } from './log-message.ts';
import { serveAsked } from './serve-asked.ts';

/** Reads segments into shared memory and checks every record of them: what of a log backup must be done in order. */
if (parentPort === null) throw bug('scan-thread runs only as a worker thread');
const port = parentPort;
const memory: LogMemory = workerData as LogMemory;
const reader = new LogReader(undefined, sumsIn(memory));

function fill(file: number, target: Uint8Array): ReadAnswer {
  const { size } = fstatSync(file);
  const wanted = Math.min(size, target.length);
  let filled = 0;
  for (let read = -1; read !== 0 && filled < wanted; filled += read)
    read = readSync(file, target, filled, wanted - filled, filled);
  return { bytes: filled < wanted ? filled : size };
}

function read(path: string, target: Uint8Array): ReadAnswer {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    return fill(file, target);
  } catch (error) {
    if (file === undefined && codeOf(error) === 'ENOENT') return {};
    return { why: error instanceof Error ? error.message : String(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

const inSlot = ({ slot, bytes }: SlotBytes): Uint8Array => slotOf(memory, slot).subarray(0, bytes);

function check(held: SlotBytes): CheckAnswer {
  const references = new BlockReferences();
  const reading = reader.read(inSlot(held), references);
  if (reading === undefined) return { references: [] };
  const { recordsFrom: from, recordsTo: to } = reading;
  return { reading, references: [...formatReferenceLines({ from, to, references })] };
}

function answer(what: ToScan): unknown {
  switch (what.kind) {
    case 'read':
      return read(what.file, slotOf(memory, what.slot));
    case 'check':
      return check(what);
    case 'hash':
      return sha256Hex(inSlot(what));
    case 'prime':
      return void reader.read(what.bytes);
  }
}

serveAsked(port, answer);
