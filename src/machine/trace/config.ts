/** How a machine is traced. */
export interface TraceConfig {
  /** Records of each thread's ring, a power of two; {@link RECORDS} unless it is given. */
  readonly records?: number;
}

/** Records of a ring: 1 MiB, room for the busiest tenth of a second that we have seen, and more. */
export const RECORDS = 1 << 15;
