/** The benchmarks of the guest program in `guest/`, in the order in which it runs them, and what an iteration is. */
export const diskBenchmarks = {
  'read-1m': '1 MiB read, one after the other',
  'write-1m': '1 MiB written, one after the other',
  'read-4k': '4 KiB read from anywhere, one at a time',
  'write-4k': '4 KiB written to anywhere, one at a time',
  'read-4k-32': 'the same, 32 at a time',
  'write-4k-32': 'the same, 32 at a time',
  flush: "4 KiB written to anywhere and flushed to the host's disk",
} as const;

/** Formats of the disk. */
export const diskFormats = ['raw', 'qcow2'] as const;

export type DiskFormat = (typeof diskFormats)[number];
