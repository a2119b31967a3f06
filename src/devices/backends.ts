/** A terminal: whoever shows a guest's output and types its input. */
export interface ConsoleBackend {
  /** Takes output. Where a promise is returned, no more is given until it is fulfilled, and the guest has to wait. */
  output(bytes: Uint8Array): Promise<void> | undefined;
  /** There is room again for input that was not taken. */
  inputSpace?(): void;
}

/** The outer end of a port of the virtio console: a terminal, or a channel with a name. */
export interface PortBackend {
  /** Takes output. Where a promise is returned, no more is given until it is fulfilled, and the guest has to wait. */
  output(bytes: Uint8Array): Promise<void> | undefined;
  /** Somebody in the guest has opened the port, or the last one has closed it. */
  opened?(open: boolean): void;
  /** There may be room again for input that was not taken. */
  inputSpace?(): void;
}

/** A port of the virtio console, for whoever is at its outer end. */
export interface GuestPort {
  /** Undefined if it is a terminal. */
  readonly name: string | undefined;
  /** Sends bytes to the guest. @returns how many were taken: none while nobody in the guest has the port open */
  input(bytes: Uint8Array): number;
  /** Tells the guest the size of the terminal, each number below 65536. */
  resize(columns: number, rows: number): void;
}

/** Everything outside of a machine that its devices work with. The program that owns the machine hands it to them. */
export interface Backends {
  readonly console: ConsoleBackend;
  /** For the ports of the virtio console, in their order. */
  readonly ports?: readonly PortBackend[];
}
