import { fail } from '#core/errors/fail.ts';

/**
 * A PostgreSQL server program with other names in it. KingbaseES cannot be had in tests; a server of the major it is built on,
 * whose file names are those of KingbaseES, lays its data directory out as KingbaseES does, and no product code can tell the
 * difference by looking. The engine itself stays PostgreSQL, which its licence permits: results are labelled "shimmed".
 *
 * The names get longer (`pg_wal` → `sys_wal`), so they cannot be overwritten: new texts go into a segment of their own and
 * whatever pointed to the old ones points there. x86-64 ELF only.
 */
export interface Renaming {
  /** New text of a string constant; undefined leaves it. `isTable` is true for strings of data tables, false for those of code. */
  (text: string, isTable: boolean): string | undefined;
}

interface Section {
  readonly address: number;
  readonly offset: number;
  readonly size: number;
}

const machineX64 = 62;
const loadType = 1;
const noteType = 4;
const relocationBytes = 24;
const relativeRelocation = 8n;
/** Behind everything a PostgreSQL program maps, within reach of a 32-bit distance. */
const newAddress = 0x4000000;
const pageBytes = 0x1000;

/** A copy of the program in which `rename` was applied to every string constant that anything points to. */
export function renameInProgram(program: Buffer, rename: Renaming): Buffer {
  if (program.readUInt32BE(0) !== 0x7f454c46 || program.readUInt16LE(18) !== machineX64)
    throw fail('value_malformed', { text: 'the program', what: 'server program', expected: 'ELF for x86-64' });
  const sections = sectionsOf(program);
  const constants = sections('.rodata');
  const offset = Math.ceil(program.length / pageBytes) * pageBytes;
  const result = Buffer.alloc(offset);
  program.copy(result);
  const added = new Texts(program, constants, rename);
  pointCode(result, sections('.text'), added);
  pointTables(result, sections('.rela.dyn'), added);
  mapTexts(result, offset, added.bytes().length);
  return Buffer.concat([result, added.bytes()]);
}

class Texts {
  readonly #program: Buffer;
  readonly #constants: Section;
  readonly #rename: Renaming;
  readonly #places = new Map<string, number>();
  #length = 0;

  constructor(program: Buffer, constants: Section, rename: Renaming) {
    this.#program = program;
    this.#constants = constants;
    this.#rename = rename;
  }

  /** Where the renamed text of the constant at an address is; undefined when it keeps its name. */
  addressFor(address: number, isTable: boolean): number | undefined {
    const { address: from, offset, size } = this.#constants;
    if (address < from || address >= from + size) return undefined;
    const at = offset + address - from;
    const text = this.#program.toString('latin1', at, this.#program.indexOf(0, at));
    const renamed = text.length < 3 ? undefined : this.#rename(text, isTable);
    return renamed === undefined ? undefined : this.#placeOf(renamed);
  }

  bytes(): Buffer {
    return Buffer.from([...this.#places.keys()].map((text) => `${text}\0`).join(''));
  }

  #placeOf(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const place = newAddress + this.#length;
    this.#places.set(text, place);
    this.#length += Buffer.byteLength(text) + 1;
    return place;
  }
}

/** `lea register, [rip + distance]`: how code takes the address of a constant. */
function pointCode(program: Buffer, code: Section, texts: Texts): void {
  const end = code.offset + code.size - 7;
  for (let at = code.offset; at < end; at++) {
    const prefix = program[at];
    if ((prefix !== 0x48 && prefix !== 0x4c) || program[at + 1] !== 0x8d) continue;
    if (((program[at + 2] ?? 0) & 0xc7) !== 0x05) continue;
    const next = code.address + (at - code.offset) + 7;
    const renamed = texts.addressFor(next + program.readInt32LE(at + 3), false);
    if (renamed !== undefined) program.writeInt32LE(renamed - next, at + 3);
  }
}

/** Tables of pointers are filled by the loader from relocations relative to where it puts the program. */
function pointTables(program: Buffer, relocations: Section, texts: Texts): void {
  for (let at = relocations.offset; at < relocations.offset + relocations.size; at += relocationBytes) {
    if (program.readBigUInt64LE(at + 8) !== relativeRelocation) continue;
    const renamed = texts.addressFor(Number(program.readBigInt64LE(at + 16)), true);
    if (renamed !== undefined) program.writeBigInt64LE(BigInt(renamed), at + 16);
  }
}

/** The note that names the build gives its program header to the new texts. */
function mapTexts(program: Buffer, offset: number, length: number): void {
  const headers = Number(program.readBigUInt64LE(32));
  const size = program.readUInt16LE(54);
  const count = program.readUInt16LE(56);
  for (let at = headers; at < headers + count * size; at += size) {
    if (program.readUInt32LE(at) !== noteType) continue;
    const readable = 4;
    program.writeUInt32LE(loadType, at);
    program.writeUInt32LE(readable, at + 4);
    const fields = [offset, newAddress, newAddress, length, length, pageBytes];
    for (const [index, value] of fields.entries()) program.writeBigUInt64LE(BigInt(value), at + 8 + index * 8);
    return;
  }
  throw fail('value_malformed', { text: 'the program', what: 'server program', expected: 'an ELF note segment' });
}

function sectionsOf(program: Buffer): (name: string) => Section {
  const headers = Number(program.readBigUInt64LE(40));
  const size = program.readUInt16LE(58);
  const headerOf = (index: number): number => headers + index * size;
  const section = (index: number): Section => ({
    address: Number(program.readBigUInt64LE(headerOf(index) + 16)),
    offset: Number(program.readBigUInt64LE(headerOf(index) + 24)),
    size: Number(program.readBigUInt64LE(headerOf(index) + 32)),
  });
  const names = section(program.readUInt16LE(62)).offset;
  const nameOf = (index: number): string => {
    const at = names + program.readUInt32LE(headerOf(index));
    return program.toString('latin1', at, program.indexOf(0, at));
  };
  const indexes = Array.from({ length: program.readUInt16LE(60) }, (_, index) => index);
  return (name) => {
    const index = indexes.find((one) => nameOf(one) === name);
    if (index === undefined)
      throw fail('value_malformed', { text: 'the program', what: 'server program', expected: `a section ${name}` });
    return section(index);
  };
}
