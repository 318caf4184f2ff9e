import type { Span } from '#core/format/chain.ts';
import type { FileOfSet, FrameOfSet, PieceOfSet } from '#core/format/meta.ts';
import type { SetKeys } from '#agent/sets/set-keys.ts';

/** Bytes of a file that are carried over from a frame of another set: a whole extent of that set, or a cut of one. */
export interface CarriedPart extends Span {
  readonly file: number;
  readonly path: string;
  /** Offset in the raw frame. */
  readonly offset: number;
  /** Hash of the bytes; '' for a cut, whose hash is found when `of` was checked. */
  readonly hash: string;
  /** The extent of which this is a cut: offset in the raw frame, length and hash. */
  readonly of?: { readonly offset: number; readonly length: number; readonly hash: string };
}

/** A frame of another set with what of it is wanted. */
export interface CarriedFrame {
  readonly frame: FrameOfSet;
  /** True: the frame becomes one of this set as it is packed, else its parts share frames with others. */
  readonly isKept: boolean;
  readonly parts: readonly CarriedPart[];
}

/** Frames of one piece of another set of the same pool that are fetched together. */
export interface CarriedFrames {
  readonly set: SetKeys;
  readonly piece: PieceOfSet;
  /** Rising by offset. */
  readonly frames: readonly CarriedFrame[];
}

/** A file whose bytes are carried over from sets of the same pool: what no frame holds is zero. */
export interface CarriedFile {
  readonly file: Pick<FileOfSet, 'path' | 'mode' | 'sizeBytes' | 'mtimeMs' | 'origin'>;
  readonly zeros: readonly Span[];
}

/** Frames of other sets; `file` of a part is the index in `files`. */
export interface Carrying {
  readonly files: readonly CarriedFile[];
  readonly tasks: readonly CarriedFrames[];
}
