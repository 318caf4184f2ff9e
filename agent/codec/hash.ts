import { createHash, hash } from 'node:crypto';
import { xxh3 } from '@node-rs/xxhash';
import { branchIdOf as branchIdBy } from '#core/wal/history-file.ts';

/** XXH3-128 (seed 0) of raw bytes as 32 lower-case hex digits, most significant first: finds accidents, proves nothing against an attacker. */
export const hash128 = (bytes: Uint8Array): string => xxh3.xxh128(bytes).toString(16).padStart(32, '0');

/** SHA-256 as 64 lower-case hex digits. */
export const sha256Hex = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

/** SHA-256 as 32 bytes. */
export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Id of a recovery branch by the text of its history file; `timeline` 1 has none (docs/format.md §6). */
export const branchIdOf = (historyText: string, timeline = 1): string => branchIdBy(historyText, timeline, sha256Hex);
