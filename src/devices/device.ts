import type { Halves } from '../layout/halves.ts';

/** Bytes of one access that a device sees. Eight-byte accesses have methods of their own. */
export type AccessWidth = 1 | 2 | 4;

/** Bytes of one access that a hart makes. */
export type BusWidth = AccessWidth | 8;

/** A part of a device's range of addresses, in bytes from its start. */
export interface DeviceWindow {
  readonly offset: number;
  readonly size: number;
}

/**
 * Something that guests reach by loads and stores to a window of physical addresses.
 *
 * An access runs on the thread of the hart that makes it, so a device keeps all its state in shared words and one
 * object of its class lives in each thread. Offsets are in bytes from the start of the window, below `size`, and
 * naturally aligned: the bus has checked that.
 */
export interface Device {
  readonly name: string;
  /** Bytes of the window. */
  readonly size: number;
  /** The parts of the range at which the device answers, where that is not all of it; in rising order. */
  readonly windows?: readonly DeviceWindow[];
  /** The widths that the device answers, 1 | 2 | 4 | 8 added up; every width when left out. */
  readonly widths?: number;
  /** @returns the register's value, unsigned. */
  read(offset: number, width: AccessWidth): number;
  /** @param value - unsigned, below 2^(8 * width) */
  write(offset: number, width: AccessWidth, value: number): void;
  /**
   * One indivisible 8-byte read, both halves unsigned. Without it the bus makes two 4-byte reads, the lower address
   * first.
   */
  read64?(offset: number, into: Halves): void;
  /** The interrupt file whose page begins at an offset, if there is one: stores to its first word need no device. */
  messagePort?(offset: number): MessagePort | undefined;
  /** One indivisible 8-byte write. Without it the bus makes two 4-byte writes, the lower address first. */
  write64?(offset: number, low: number, high: number): void;
}

/** An interrupt file as harts see it that send messages to it by themselves. */
export interface MessagePort {
  /** Address in linear memory of its pending bits, 32 a word, that of identity 0 first; a message sets its own. */
  readonly pendingAt: number;
  /** Identities that there are, from 1 on. */
  readonly identities: number;
  /** The bit of an identity was 0, and has just been set. */
  arrived(identity: number): void;
}

/**
 * The wire from a device to an interrupt controller: a level.
 *
 * A device calls it while it holds its own lock, so that two threads cannot deliver their levels in the wrong
 * order. Hence the order of locks: device first, interrupt controller second, and nothing that `set` calls may
 * come back to the device.
 */
export interface LineSink {
  set(level: boolean): void;
}

/**
 * The way by which a device sends message-signalled interrupts: a store of 32 bits to an address that an interrupt file
 * or a controller answers (RISC-V AIA, chapter "Incoming MSI Controller").
 */
export interface MsiSink {
  /** @returns false if nothing at the address takes messages */
  send(address: number, data: number): boolean;
  /** Address of a hart's supervisor-level file, for a controller that no software tells. */
  supervisorPage(hart: number): number;
}

/** Time as guests see it, the same in every thread. */
export interface Clock {
  /** Guest time in ticks of 10 MHz, a whole number that never falls, exact below 2^53. */
  ticks(): number;
  /** Wall-clock time in nanoseconds since 1970-01-01T00:00:00Z. For rare reads only. */
  wallNanoseconds(): bigint;
}

/** The shared words of one device as plain data. */
export interface SavedDevice {
  readonly device: string;
  readonly words: readonly number[];
}

/** Is told of interrupts by their controllers, for traces. Called before anybody can see them. */
export interface InterruptWitness {
  /** The wire of a source rises or falls. */
  wire(source: number, level: boolean): void;
  /** A source was claimed for a hart; 0 if there was none to claim. */
  claim(hart: number, source: number): void;
  /** A message is sent to an interrupt file of a hart. */
  message(hart: number, file: number, identity: number): void;
}

/** Is told of requests by the threads that carry them out, for traces. */
export interface RequestWitness {
  /** The time, for {@link request}. */
  now(): number;
  /**
   * A request was carried out.
   *
   * @param head the descriptor that it begins with
   * @param written bytes that are new for the guest
   */
  request(queue: number, began: number, head: number, written: number): void;
}
