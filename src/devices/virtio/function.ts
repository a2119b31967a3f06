import type { Backends } from '../backends.ts';
import type { HostSide } from '../descriptor.ts';
import type { AccessWidth } from '../device.ts';
import type { Chain } from './chain.ts';
import type { VirtQueue } from './queue.ts';

/** The configuration space of a virtio device: little-endian fields that its kind defines. */
export interface ConfigSpace {
  /** Bytes of it. */
  readonly size: number;
  read(offset: number, width: AccessWidth): number;
  write(offset: number, width: AccessWidth, value: number): void;
}

/** Buffers that a driver has given for incoming data. Methods throw RingError when the rings break the rules. */
export interface Buffers {
  /** The first 32 features that were negotiated. */
  readonly features: number;
  /** Takes the next one; undefined if there is none, and the driver will notify of more. */
  take(): Chain | undefined;
  /** Puts those that were taken last back as they were. */
  untake(count: number): void;
  /** Gives one back. @param written bytes from its start that are new */
  give(chain: Chain, written: number): void;
}

/** The way of data that come in by themselves, from outside of the machine. */
export interface Inbound {
  /** The number of the queue with buffers for it. */
  readonly queue: number;
  /**
   * On the I/O thread: puts incoming data into buffers. Called when there may be some, or buffers. The queue is in use
   * meanwhile, as in {@link VirtioFunction.carryOut}.
   *
   * @returns whether there was any, and there may be more
   */
  deliver(buffers: Buffers): boolean;
}

/**
 * The queues of a device, for threads that work at them beside the driver's notifications. Its methods take the lock.
 */
export interface QueueAccess {
  /**
   * Runs `body` at a queue, if driver and device are ready to use it, and tells the driver of chains that it gave back.
   *
   * @returns undefined if they are not ready, or `body` found the queue broken
   */
  use<T>(index: number, body: (queue: VirtQueue) => T): T | undefined;
  /** Tells the driver that the configuration space has changed. */
  configurationChanged(): void;
}

/**
 * A kind of virtio device (virtio 1.2, chapter 5), without the transport over which drivers reach it. One object lives
 * in each thread; all of its methods are called with the device's lock held.
 */
export interface VirtioFunction {
  readonly name: string;
  /** Its number in the list of device types. */
  readonly id: number;
  /** The features of its own: bits 0 to 23. */
  readonly features: number;
  /**
   * Requests are the same for a driver that does not choose the feature VERSION_1, as those of xv6 and of tutorials do
   * not: it is served (virtio 1.2, 6.2, leaves that to the device).
   */
  readonly withoutVersion?: boolean;
  readonly config?: ConfigSpace;
  /**
   * The driver may have put chains into a queue, or has started with chains in it. Takes as many as the queue has
   * entries at most, so that no guest keeps a thread here.
   *
   * @throws RingError by the queue's methods: the device stops until the driver resets it
   */
  notify?(queue: VirtQueue, index: number): void;
  /**
   * In place of {@link notify}, for work that may take long: carries out the request of a chain, on the I/O thread
   * where the machine has one, without the device's lock. The queues are in use meanwhile: a reset waits for it.
   *
   * @returns bytes from the start of the chain's writable part that are new
   * @throws RingError when the chain is no request: the device stops
   */
  carryOut?(chain: Chain, index: number): number;
  /**
   * Looks at a chain on the thread of the hart that notifies, with the device's lock held.
   *
   * @returns a function that does the work of {@link carryOut}, there and without the lock, since that takes less than
   *   waking another thread does; called soon, before the I/O thread carries anything out. Undefined: it is for the I/O
   *   thread
   */
  carryOutHere?(chain: Chain): (() => number) | undefined;
  /** For a device to which something comes; all other queues of it are those of {@link carryOut}. */
  readonly inbound?: Inbound;
  /**
   * When the machine is saved, on the thread that carries requests out: brings written data to their lasting place, and
   * gives its state beside the shared words, in pieces of some megabytes at most.
   */
  save?(): Iterable<Uint8Array>;
  /** In a restored machine, there, before anything else: takes over a piece of the result of {@link save}. */
  restore?(saved: Uint8Array): void;
  /** The driver has reset the device; its queues are as in a new one. */
  reset?(): void;
  /**
   * Makes the host's side, where the device has one. It hears of all events of the device as one, number 0. Called
   * once, on the thread that owns the machine.
   */
  connect?(queues: QueueAccess, backends: Backends): HostSide;
}
