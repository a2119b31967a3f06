/** Some bytes that are to be packed, or unpacked to `size` bytes. */
export interface CodecOrder {
  readonly id: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly size?: number;
}

/** What became of them, or why nothing. */
export type CodecAnswer =
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly id: number; readonly why: string };
