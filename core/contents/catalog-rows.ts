/** The beginning of a row of a system catalog that has an oid and a name, e.g. `pg_database`, `pg_class`, `pg_namespace`. */
export interface CatalogRow {
  readonly oid: number;
  readonly name: string;
  /** What lies behind the name, to the end of the row. */
  readonly rest: DataView;
}

const pageHeaderBytes = 24;
const nameBytes = 64;
/** Oid and name; what every row has at least. */
const leastBytes = 4 + nameBytes;
/** `LP_NORMAL` of a line pointer: a row is there (storage/itemid.h). */
const normal = 1;

/**
 * Rows of a catalog as they lie in its file, since PostgreSQL 12, whose oids are columns (PG manual "Database Page Layout"). Rows that were
 * deleted and not yet vacuumed are among them: who asks wants to know which names were there, not which transaction sees them. Pages
 * that are no pages are passed over.
 */
export function* catalogRows(file: Uint8Array, pageBytes: number): Generator<CatalogRow> {
  for (let at = 0; at + pageBytes <= file.length; at += pageBytes) yield* rowsOfPage(file.subarray(at, at + pageBytes));
}

function* rowsOfPage(page: Uint8Array): Generator<CatalogRow> {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const [lower, upper] = [view.getUint16(12, true), view.getUint16(14, true)];
  if (lower < pageHeaderBytes || lower > upper || upper > page.length) return;
  for (let at = pageHeaderBytes; at + 4 <= lower; at += 4) {
    const pointer = view.getUint32(at, true);
    const [offset, flags, length] = [pointer & 0x7fff, (pointer >>> 15) & 3, pointer >>> 17];
    if (flags === normal && offset >= upper && offset + length <= page.length)
      yield* rowAt(new DataView(page.buffer, page.byteOffset + offset, length));
  }
}

/** Offset of `t_hoff`, the length of the header, within the header of a row. */
const headerLengthAt = 22;

function* rowAt(row: DataView): Generator<CatalogRow> {
  if (row.byteLength <= headerLengthAt) return;
  const from = row.getUint8(headerLengthAt);
  if (from + leastBytes > row.byteLength) return;
  const name = nameIn(new Uint8Array(row.buffer, row.byteOffset + from + 4, nameBytes));
  if (name === '') return;
  const behind = from + leastBytes;
  const rest = new DataView(row.buffer, row.byteOffset + behind, row.byteLength - behind);
  yield { oid: row.getUint32(from, true), name, rest };
}

function nameIn(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

const mapMagic = 0x592717;

/** Number of the file of a catalog that is found by `pg_filenode.map` (utils/cache/relmapper.c); undefined when it has none. */
export function mappedFile(map: Uint8Array, oid: number): number | undefined {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  if (view.byteLength < 8 || view.getUint32(0, true) !== mapMagic) return undefined;
  const count = view.getInt32(4, true);
  for (let at = 8, i = 0; i < count && at + 8 <= view.byteLength; at += 8, i++)
    if (view.getUint32(at, true) === oid) return view.getUint32(at + 4, true);
  return undefined;
}

interface ClassRow {
  readonly schemaOid: number;
  readonly file: number;
  /** `r`, `p`, `v`, `i`, …: `relkind`. */
  readonly kind: string;
}

/** Where `relkind` stands behind the name: PostgreSQL 18 has a column of four bytes more in front of it. */
const kindAt = (major: number): number => (major >= 18 ? 51 : 47);

/** What a row of `pg_class` says behind its name; undefined when it is too short. */
export function classRow({ rest }: CatalogRow, major: number): ClassRow | undefined {
  if (rest.byteLength <= kindAt(major)) return undefined;
  const kind = String.fromCharCode(rest.getUint8(kindAt(major)));
  return { schemaOid: rest.getUint32(0, true), file: rest.getUint32(20, true), kind };
}
