import { createHash, hash } from 'node:crypto';
import { xxh3 } from '@node-rs/xxhash';

/** XXH3-128 (seed 0) of raw bytes as 32 lower-case hex digits, most significant first: finds accidents, proves nothing against an attacker. */
export const hash128 = (bytes: Uint8Array): string => xxh3.xxh128(bytes).toString(16).padStart(32, '0');

/** SHA-256 as 64 lower-case hex digits. */
export const sha256Hex = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

/** SHA-256 as 32 bytes. */
export const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Name of a recovery branch: the first 32 hex digits of the SHA-256 of its history file's text, of '' on timeline 1 (docs/format.md §6). */
export const branchIdOf = (historyText: string): string => sha256Hex(historyText).slice(0, 32);
