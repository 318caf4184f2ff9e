import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SetSummary } from '../backup/set-summary.ts';
import { formatId, parseId } from '../id.ts';
import { instantFromMs } from '../instant.ts';
import { parseLsn } from '../wal/lsn.ts';
import { parseSegmentName } from '../wal/segment-name.ts';
import type { MemberOfSet, SetMeta } from './meta.ts';
import { metaFault } from './meta-fault.ts';
import { createMetaReader, formatMetaLines } from './meta-lines.ts';

const id = <P extends 'set' | 'run' | 'try' | 'res'>(prefix: P) => formatId(prefix, 7, new Uint8Array(10));
const summary: SetSummary = {
  setId: id('set'),
  runId: id('run'),
  attemptId: id('try'),
  resourceId: id('res'),
  type: 'full',
  engine: 'postgresql',
  serverVersion: 180004,
  systemId: '1',
  timeline: 1,
  branchId: '',
  beginLsn: parseLsn('0/2000028'),
  endLsn: parseLsn('0/3000100'),
  backupEndLsn: parseLsn('0/3000100'),
  beginSegment: parseSegmentName('000000010000000000000002'),
  endSegment: parseSegmentName('000000010000000000000003'),
  beganAt: instantFromMs(0),
  endedAt: instantFromMs(0),
  isConsistent: false,
  hasChecksums: true,
  pageBytes: 8192,
  segmentBytes: 16777216,
  tablespaces: [],
  fileCount: 0,
  rawBytes: 0,
  storedBytes: 0,
  pieceCount: 0,
  isEncrypted: false,
  warnings: [],
  toolVersion: '0',
};

const asSummary = (value: unknown): SetSummary => {
  expect(value).toEqual(summary);
  return summary;
};
const read = (lines: Iterable<string>): SetMeta => {
  const reader = createMetaReader(asSummary);
  for (const line of lines) reader.read(line);
  return reader.finish();
};

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom('0', '1', '7', '9', 'a', 'e', 'f'), minLength: digits, maxLength: digits });
const count = fc.nat();
const path = fc.string({ minLength: 1, unit: 'grapheme' });
const extent = fc.oneof(
  fc.record({ frame: count, offset: count, length: count, hash: hex(32) }),
  fc.record({ frame: fc.constantFrom(-1, -2), offset: count, length: count, hash: fc.constant('') }),
);
const member: fc.Arbitrary<MemberOfSet> = fc.oneof(
  fc.record({ kind: fc.constant('directory' as const), path, mode: count }),
  fc.record({ kind: fc.constant('symlink' as const), path, target: fc.string() }),
  fc.record({
    kind: fc.constant('file' as const),
    path,
    mode: count,
    sizeBytes: count,
    mtimeMs: fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }),
    extents: fc.array(extent),
  }),
);
const meta: fc.Arbitrary<SetMeta> = fc.record({
  summary: fc.constant(summary),
  pieces: fc.array(fc.record({ piece: count, attempt: fc.constant(parseId('try', id('try'))), storedBytes: count })),
  frames: fc.array(
    fc.record({ pieceIndex: count, offset: count, storedBytes: count, rawBytes: count, sha256: hex(64) }),
  ),
  members: fc.array(member),
  damagedPages: fc.array(fc.record({ path, block: count })),
});

describe('lines of meta', () => {
  test('what is written is read back equal', () => {
    fc.assert(
      fc.property(meta, (value) => {
        expect(read(formatMetaLines(value))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  test('no line holds a line end, whatever the names of files', () => {
    fc.assert(
      fc.property(meta, (value) => {
        for (const line of formatMetaLines(value)) expect(line).not.toContain('\n');
      }),
    );
  });

  test('a lost, doubled or unknown line is refused', () => {
    const value: SetMeta = {
      summary,
      pieces: [],
      frames: [],
      members: [
        { kind: 'directory', path: 'base', mode: 448 },
        { kind: 'directory', path: 'global', mode: 448 },
      ],
      damagedPages: [],
    };
    const lines = [...formatMetaLines(value)];
    for (let at = 0; at < lines.length; at++) {
      expect(() => read(lines.filter((_line, i) => i !== at))).toThrow(/is not a valid/);
      expect(() => read(lines.flatMap((line, i) => (i === at ? [line, line] : [line])))).toThrow(/is not a valid/);
    }
    for (const unknown of ['["comment",1]', '["constructor",1]', '{}', '1', 'x']) {
      expect(() => read([lines[0] ?? '', unknown, ...lines.slice(1)])).toThrow(/is not a valid/);
    }
  });

  test('a later format is refused by its number', () => {
    expect(() => read([JSON.stringify(['set', 3, summary])])).toThrow(/is written in format 3/);
  });
});

test('extents of a base are refused in format 1, which does not know them', () => {
  const extents = [{ frame: -2, offset: 0, length: 5, hash: '' }];
  const member: MemberOfSet = { kind: 'file', path: 'a', mode: 0, sizeBytes: 5, mtimeMs: 0, extents };
  const [, ...rest] = formatMetaLines({ summary, pieces: [], frames: [], members: [member], damagedPages: [] });
  expect(() => read([JSON.stringify(['set', 1, summary]), ...rest])).toThrow(/is not a valid/);
  expect(read([JSON.stringify(['set', 2, summary]), ...rest]).members).toEqual([member]);
});

describe('faults of metadata', () => {
  const attempt = id('try');
  const sound: SetMeta = {
    summary,
    pieces: [{ piece: 1, attempt, storedBytes: 100 }],
    frames: [{ pieceIndex: 0, offset: 0, storedBytes: 100, rawBytes: 50, sha256: '' }],
    members: [
      {
        kind: 'file',
        path: 'a/b',
        mode: 0,
        sizeBytes: 60,
        mtimeMs: 0,
        extents: [
          { frame: 0, offset: 0, length: 50, hash: '' },
          { frame: -1, offset: 0, length: 10, hash: '' },
        ],
      },
    ],
    damagedPages: [],
  };
  const file = (change: object): SetMeta => ({
    ...sound,
    members: sound.members.map((each) => ({ ...each, ...change })),
  });

  test('sound metadata has none', () => {
    expect(metaFault(sound)).toBeUndefined();
  });

  test('a path that leaves the data directory is one', () => {
    for (const bad of ['../a', '/etc/passwd', 'a/../../b', 'a//b', '.', '', 'a\0b'])
      expect(metaFault(file({ path: bad }))).toMatch(/not a path/);
  });

  test('frames and extents outside what holds them, and sizes not covered, are faults', () => {
    expect(metaFault({ ...sound, pieces: [] })).toMatch(/outside its piece/);
    expect(metaFault({ ...sound, frames: [] })).toMatch(/outside its frame/);
    expect(metaFault(file({ sizeBytes: 61 }))).toMatch(/cover 60 of 61/);
    expect(metaFault({ ...sound, members: [...sound.members, ...sound.members] })).toMatch(/listed twice/);
  });

  test('D-019 D-025 what builds on a base says so, begins behind its end, and a cumulative builds on a full', () => {
    const fromBase = file({ sizeBytes: 5, extents: [{ frame: -2, offset: 0, length: 5, hash: '' }] });
    expect(metaFault(fromBase)).toMatch(/is in a base, which the set has not/);
    const link = {
      ...{ setId: formatId('set', 1, new Uint8Array(10)), metaSha256: '', changedPages: 'log' as const },
      ...{ fullSetId: formatId('set', 1, new Uint8Array(10)) },
      ...{ beginLsn: parseLsn('0/1000028'), endLsn: parseLsn('0/2000028') },
    };
    const on = (changes: Partial<SetSummary>): SetMeta => ({ ...fromBase, summary: { ...summary, ...changes } });
    expect(metaFault(on({ type: 'differential', base: link }))).toBeUndefined();
    expect(metaFault(on({ type: 'cumulative', base: link }))).toBeUndefined();
    expect(metaFault(on({ base: link }))).toMatch(/its type is full/);
    expect(metaFault(on({ type: 'differential' }))).toMatch(/its type is differential/);
    expect(metaFault(on({ type: 'differential', base: { ...link, setId: summary.setId } }))).toMatch(/itself/);
    expect(metaFault(on({ type: 'cumulative', base: { ...link, fullSetId: summary.setId } }))).toMatch(/no full/);
    const early = { ...link, endLsn: parseLsn('0/2000029') };
    expect(metaFault(on({ type: 'differential', base: early }))).toMatch(/before the end of its base/);
  });

  test('a consistent set lacks no segment of its log range', () => {
    const log = (name: string): MemberOfSet => ({
      kind: 'file',
      path: `pg_wal/${name}`,
      mode: 0,
      sizeBytes: 16777216,
      mtimeMs: 0,
      extents: [{ frame: -1, offset: 0, length: 16777216, hash: '' }],
    });
    const consistent = { ...sound, summary: { ...summary, isConsistent: true } };
    const [first, second] = [log('000000010000000000000002'), log('000000010000000000000003')];
    expect(metaFault({ ...consistent, members: [first, second] })).toBeUndefined();
    expect(metaFault({ ...consistent, members: [first] })).toMatch(/000000010000000000000003 is not in the set/);
    const narrow = { ...consistent.summary, endSegment: summary.beginSegment };
    expect(metaFault({ ...consistent, summary: narrow, members: [first] })).toMatch(/do not cover/);
  });
});
