import type { AttemptId, Brand, BatchId, SetId } from '../id.ts';
import { fail } from '../errors/fail.ts';
import { cutText } from '../text.ts';

/** Key of an object in a pool. Only this file builds one (design §3). Layout: docs/format.md §2. */
export type ObjectKey = Brand<string, 'ObjectKey'>;

const key = (text: string): ObjectKey => text as ObjectKey;
const digits = (n: number): string => String(n).padStart(6, '0');

export const poolKey = (): ObjectKey => key('holdfast.json');
export const setPrefix = (set: SetId): string => `sets/${set}/`;
export const setStartKey = (set: SetId): ObjectKey => key(`sets/${set}/start`);
export const setMetaKey = (set: SetId): ObjectKey => key(`sets/${set}/meta`);
/** Pieces count from 1 within an attempt. */
export const pieceKey = (set: SetId, attempt: AttemptId, piece: number): ObjectKey =>
  key(`sets/${set}/${attempt}/piece-${digits(piece)}.bak`);

/** Logical sets have keys of their own (docs/format.md §13): whoever does not know them passes them over. */
export const logicalPrefix = (): string => 'logical/';
export const logicalSetPrefix = (set: SetId): string => `logical/${set}/`;
export const logicalStartKey = (set: SetId): ObjectKey => key(`logical/${set}/start`);
export const logicalMetaKey = (set: SetId): ObjectKey => key(`logical/${set}/meta`);
/** Pieces count from 1 within an attempt. */
export const logicalPieceKey = (set: SetId, attempt: AttemptId, piece: number): ObjectKey =>
  key(`logical/${set}/${attempt}/piece-${digits(piece)}.bak`);

/** `branchId` is the hash of the history file (docs/format.md §6), `systemId` a decimal number as text. */
export const branchPrefix = (systemId: string, branchId: string): string => `logs/${systemId}/${branchId}/`;
export const logSegmentKey = (systemId: string, branchId: string, object: string): ObjectKey =>
  key(`logs/${systemId}/${branchId}/${object}`);
/** Batches sort by their first LSN: 16 hex digits. */
export const logBatchKey = (systemId: string, branchId: string, fromLsnHex: string, batch: BatchId): ObjectKey =>
  key(`logs/${systemId}/${branchId}/batches/${fromLsnHex}-${batch}`);

/** Block references of a batch: beside it, under the same name. */
export const logReferencesKey = (systemId: string, branchId: string, fromLsnHex: string, batch: BatchId): ObjectKey =>
  key(`logs/${systemId}/${branchId}/references/${fromLsnHex}-${batch}`);

/** Marks of a set count from 1; append-only (docs/format.md §10). */
export const marksPrefix = (set: SetId): string => `marks/${set}/`;
export const markKey = (set: SetId, seq: number): ObjectKey => key(`marks/${set}/${digits(seq)}`);
/** Later keys of the pool itself, by version from 2 on. */
export const keyFilesPrefix = (): string => 'keys/pool/';
export const keyFileKey = (version: number): ObjectKey => key(`keys/pool/${digits(version)}`);
/** Keys of a set that lie beside it: no version of the format has any, but they would go with the set. */
export const setKeysPrefix = (set: SetId): string => `keys/${set}/`;
/** Notes of log that was deleted by a plan; they count from 1 per branch. */
export const truncationsPrefix = (systemId: string, branchId: string): string => `marks/log/${systemId}/${branchId}/`;
export const truncationKey = (systemId: string, branchId: string, seq: number): ObjectKey =>
  key(`marks/log/${systemId}/${branchId}/${digits(seq)}`);

/** Written, read and removed by a test of the pool; no part of anything. */
export const probeKey = (set: SetId): ObjectKey => key(`probes/${set}`);
export const isProbe = (one: ObjectKey): boolean => one.startsWith('probes/');

/** True for objects whose existence commits something: the metadata of a set, a batch of log, the pool itself, a key of it. */
export const isCommitPoint = (one: ObjectKey): boolean =>
  one === poolKey() ||
  one.startsWith(keyFilesPrefix()) ||
  /^(sets|logical)\/[^/]+\/meta$/.test(one) ||
  one.includes('/batches/');

/** For keys that came out of a listing or a metadata object. Throws `value_malformed` on anything that could leave the pool. */
export function parseObjectKey(text: string): ObjectKey {
  const isClean =
    /^[A-Za-z0-9._/-]{1,500}$/.test(text) &&
    !text.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (!isClean)
    throw fail('value_malformed', {
      text: cutText(text, 80),
      what: 'object key',
      expected: 'relative/path of letters, digits, . _ -',
    });
  return key(text);
}
