/** Formats of files that hold a disk, by how the files begin. */
const MAGICS: readonly { readonly name: string; readonly magic: readonly number[] }[] = [
  { name: 'qcow2', magic: [0x51, 0x46, 0x49, 0xfb] },
  { name: 'VMDK', magic: [0x4b, 0x44, 0x4d, 0x56] },
  { name: 'VHDX', magic: [0x76, 0x68, 0x64, 0x78, 0x66, 0x69, 0x6c, 0x65] },
];

/** Bytes from the start of a file on that say its format. */
export const FORMAT_BYTES = 8;

/** The format of a file that begins so; undefined if nothing says that it is anything but a disk's bytes. */
export function formatOf(start: Uint8Array): string | undefined {
  return MAGICS.find(({ magic }) => magic.every((byte, index) => byte === start[index]))?.name;
}
