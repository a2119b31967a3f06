/** A terminal: whoever shows a guest's output and types its input. */
export interface ConsoleBackend {
  /** Takes output. Where a promise is returned, no more is given until it is fulfilled, and the guest has to wait. */
  output(bytes: Uint8Array): Promise<void> | undefined;
  /** There is room again for input that was not taken. */
  inputSpace?(): void;
}

/** Everything outside of a machine that its devices work with. The program that owns the machine hands it to them. */
export interface Backends {
  readonly console: ConsoleBackend;
}
