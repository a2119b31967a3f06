/** Some bytes that are to be packed; or unpacked to `size` bytes, and if they are pages of RAM, put into it. */
export interface CodecOrder {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly size?: number;
  /** All of it, in memory that threads share. */
  readonly ram?: Uint8Array;
}

/** Their result, or the reason why there is none. */
export type CodecAnswer =
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly isPlaced: boolean }
  | { readonly id: number; readonly why: string };
