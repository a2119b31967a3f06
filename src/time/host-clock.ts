/** The clock of the thread. Looked up once: the global object has it behind a getter. */
export const hostClock = performance;
