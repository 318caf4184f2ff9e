import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 1024 * 1024;
const lineEnd = 0x0a;

/**
 * The lines of a file of any size, without their ends, the last one also when it has none: a file read as one text ends at half a GiB
 * (the longest string of V8). Throws what opening and reading throw.
 */
export function* linesOfFile(path: string): Generator<string, void> {
  const file = openSync(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    let begun: Buffer[] = [];
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      let from = 0;
      for (let to = chunk.indexOf(lineEnd); to >= 0 && to < length; to = chunk.indexOf(lineEnd, from)) {
        yield Buffer.concat([...begun, chunk.subarray(from, to)]).toString('utf8');
        begun = [];
        from = to + 1;
      }
      if (from < length) begun.push(Buffer.from(chunk.subarray(from, length)));
    }
    if (begun.length > 0) yield Buffer.concat(begun).toString('utf8');
  } finally {
    closeSync(file);
  }
}
