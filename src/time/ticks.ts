/** Guest time, in which the `time` CSR and all deadlines are: 10 MHz. */
export const TICKS_PER_SECOND = 10_000_000;

export const TICKS_PER_MS = TICKS_PER_SECOND / 1000;

export const NANOSECONDS_PER_TICK = 1e9 / TICKS_PER_SECOND;
