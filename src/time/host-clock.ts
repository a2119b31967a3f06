/**
 * The clock of the thread. Looked up once: the global object has it behind a getter. Its `now` is looked up each time,
 * as tests give it another one.
 */
export const hostClock = performance;
