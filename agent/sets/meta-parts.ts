/** Metadata is small beside its set and read whole: level 3 keeps the commit short. */
export const metaLevel = 3;
/** Lines are gathered into frames of about this many characters. */
const frameLength = 1024 * 1024;

/** Lines with their ends, joined into parts; a part never splits a line. */
export function* partsOf(lines: Iterable<string>): Iterable<Uint8Array> {
  let gathered: string[] = [];
  let length = 0;
  for (const line of lines) {
    gathered.push(line, '\n');
    length += line.length + 1;
    if (length < frameLength) continue;
    yield Buffer.from(gathered.join(''));
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.from(gathered.join(''));
}

/** Lines of parts, each of which holds whole ones. */
export function* linesOfParts(parts: Iterable<Uint8Array>): Iterable<string> {
  for (const part of parts) {
    const text = Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8');
    for (const line of text.split('\n')) if (line !== '') yield line;
  }
}
