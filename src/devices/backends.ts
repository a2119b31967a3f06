import type { DropCounts } from '../network/ethernet.ts';

/** A terminal: it shows a guest's output and types its input. */
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
  /**
   * Somebody in the guest has opened the port, had it open when the machine was saved, or the last one has closed it.
   * Output in between arrives there.
   */
  opened?(open: boolean): void;
  /**
   * Its first output has the guest begin anew, after any output before. So the guest is not told that the outer end was
   * another one when the machine was saved.
   */
  readonly beginsAnew?: boolean;
  /** There may be room again for input that was not taken. */
  inputSpace?(): void;
}

/** A port of the virtio console, for the program at its outer end. */
export interface GuestPort {
  /** Undefined if it is a terminal. */
  readonly name: string | undefined;
  /** Sends bytes to the guest. @returns how many were taken: none while nobody in the guest has the port open */
  input(bytes: Uint8Array): number;
  /** Tells the guest the size of the terminal, each number below 65536. */
  resize(columns: number, rows: number): void;
}

/** How a stream between guest and host has ended: by both sides, by a failure of one of them, or before it began. */
export type StreamEnd = 'closed' | 'reset' | 'refused';

/** The reader at the host's end of a stream (`AF_VSOCK`) between guest and host. */
export interface StreamBackend {
  /** The guest has accepted the connection that the host asked for. */
  connected?(): void;
  /** Takes the guest's bytes. Where a promise is returned, no more is given until it is fulfilled. */
  output(bytes: Uint8Array): Promise<void> | undefined;
  /** The guest sends nothing more. */
  outputEnded(): void;
  /** There may be room again for input that was not taken. */
  inputSpace(): void;
  /** Nothing more comes or is taken. Called once, but not after a `reset` of one's own. */
  closed(end: StreamEnd): void;
}

/** The host's end of a stream, for its writer. */
export interface GuestStream {
  /** The host's port of it. */
  readonly hostPort: number;
  /** Sends bytes to the guest. @returns how many were taken: none before the guest has accepted the connection */
  input(bytes: Uint8Array): number;
  /** Tells the guest that nothing more is sent. */
  endInput(): void;
  /** Ends the stream at once. */
  reset(): void;
}

/** The services that programs in the guest can connect to. */
export interface VsockBackend {
  /** A program in the guest connects to a port of the host. @returns its reader; undefined refuses it */
  connected(port: number, stream: GuestStream): StreamBackend | undefined;
}

/** The way to programs in the guest that listen. */
export interface GuestSockets {
  /**
   * Asks for a connection to a port of the guest: 0 to 2^32 - 2. A guest whose driver is not up answers when it is, or
   * never.
   *
   * @throws RangeError for other ports, and if there are as many connections as there can be
   */
  connect(port: number, backend: StreamBackend): GuestStream;
}

/** Memory that the guest can do without, for programs that want it. */
export interface GuestBalloon {
  /**
   * Asks the guest to do without so many bytes from now on; 0 gives it back everything. It gives as much as it can,
   * when it can.
   *
   * @throws RangeError for sizes below 0 or from 16 TiB on
   */
  ask(bytes: number): void;
  /** @returns bytes that the guest says it does without */
  given(): number;
}

/** Frames of a network card since its machine began, modulo 2^32. */
export interface NetworkCounts extends Readonly<DropCounts> {
  /** Those that the guest has sent, dropped ones included. */
  readonly sent: number;
  /** Those that the guest has got. */
  readonly received: number;
}

/** The network card of a machine, for programs that count its traffic. */
export interface GuestNetwork {
  /** Traffic of the card, and the frames that its network has dropped, as of the last frame. */
  counts(): NetworkCounts;
}

/** Everything outside of a machine that its devices work with. The program that owns the machine hands it to them. */
export interface Backends {
  readonly console: ConsoleBackend;
  /** For the ports of the virtio console, in their order. */
  readonly ports?: readonly PortBackend[];
  /** For programs in the guest that connect to the host; without it they are refused. */
  readonly vsock?: VsockBackend;
}
