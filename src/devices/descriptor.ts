import type { DeviceTreeNode } from '../boot/device-tree.ts';
import type { InterruptFile } from '../interrupts/interrupt-file.ts';
import type { Type } from '../layout/struct.ts';
import type { GuestMemory } from '../memory/guest-memory.ts';
import type { Mac, Network } from '../network/ethernet.ts';
import type { HostFolder } from '../shared-folders/host-folder.ts';
import type { ShortStorage, Storage } from '../storage/storage.ts';
import type { Backends, GuestBalloon, GuestNetwork, GuestPort, GuestSockets } from './backends.ts';
import type { Clock, Device, InterruptWitness, LineSink, MsiSink, RequestWitness } from './device.ts';

/**
 * How external interrupts reach the harts of a machine, in QEMU's words: by the PLIC, by an APLIC with wires to harts,
 * or by messages to the harts' IMSICs, which an APLIC also sends.
 */
export const AIA = ['none', 'aplic', 'aplic-imsic'] as const;

export type Aia = (typeof AIA)[number];

/** Those of a domain: each of its vCPUs has an interrupt file where there is an APLIC. */
export const DOMAIN_AIA = ['none', 'aplic-imsic'] as const;

export type DomainAia = (typeof DOMAIN_AIA)[number];

/** How guests reach those virtio devices that a machine has on demand: by PCI, or by registers in their own places. */
export const VIRTIO_TRANSPORTS = ['pci', 'mmio'] as const;

export type VirtioTransportName = (typeof VIRTIO_TRANSPORTS)[number];

/** A drive of a machine, as its devices know it. It can be sent by `postMessage`. */
export interface DriveFacts {
  /** For people. */
  readonly name: string;
  /** Bytes, a multiple of 512. */
  readonly bytes: number;
  readonly readOnly: boolean;
  /** For the guest: up to 20 bytes of UTF-8. */
  readonly serial: string;
  /**
   * Each thread may have its contents open, and use them in turns with the others: nothing of them is in the memory of
   * one thread. As a rule they do not keep a thread waiting.
   */
  readonly anyThread?: boolean;
}

/** The I/O thread that has an event loop: events outside come in there. */
export const EVENT_LANE = 0;
/** The I/O thread of all shared folders. */
export const FOLDER_LANE = 1;
/** The I/O thread of a drive: one that does not answer keeps no other one waiting. @param drive its number */
export const driveLane = (drive: number): number => 2 + drive;

/** The network card of a machine, as its devices know it. It can be sent by `postMessage`. */
export interface NetworkFacts {
  readonly mac: Mac;
  /** Frames are whole and short: the other end completes no checksums and parts no frames. */
  readonly plain?: boolean;
}

/** A shared folder of a machine, as its devices know it. It can be sent by `postMessage`. */
export interface ShareFacts {
  /** For people. */
  readonly name: string;
  /** By which the guest mounts it: 1 to 36 bytes of UTF-8. */
  readonly tag: string;
  readonly readOnly: boolean;
}

/** A port of the virtio console. */
export interface PortFacts {
  /** By which software in the guest finds it, as `/dev/virtio-ports/NAME`; a port without a name is a terminal. */
  readonly name?: string;
}

/** The socket device of a machine, as its devices know it. It can be sent by `postMessage`. */
export interface VsockFacts {
  /** The guest's address: 3 to 2^32 - 2. */
  readonly cid: number;
}

/** The parts that a machine has on demand, as its devices know them. */
export interface AttachedParts {
  /** None if they are left out. */
  readonly drives?: readonly DriveFacts[];
  /** None if it is left out. */
  readonly network?: NetworkFacts;
  /** Folders of the host; none if they are left out. */
  readonly shares?: readonly ShareFacts[];
  /** Those of the virtio console, which a machine without ports does not have. */
  readonly ports?: readonly PortFacts[];
  /** None if it is left out. */
  readonly vsock?: VsockFacts;
  /** A balloon; none if it is left out. */
  readonly balloon?: boolean;
  /** `pci` if it is left out. */
  readonly virtio?: VirtioTransportName;
}

/** The facts of its machine that a device may know. */
export interface DeviceSetting extends AttachedParts {
  /** `domain`: a guest below the hypervisor. `bare`: software starts in M-mode. */
  readonly kind: 'domain' | 'bare';
  /** Harts as the guest counts them: vCPUs of a domain, harts of a bare machine. */
  readonly cpus: number;
  /** `none` if it is left out. */
  readonly aia?: Aia;
  /** Guest interrupt files of each hart's IMSIC: 0 if it is left out. */
  readonly aiaGuests?: number;
}

/** Where the machine has put a device. */
export interface DevicePlace extends DeviceSetting {
  /** Guest-physical address of the first byte of its window. */
  readonly base: number;
  /** Its sources at the interrupt controller, in the order in which the device names them. */
  readonly sources: readonly number[];
}

/** How a guest asked for the machine's end. */
export type Finish =
  | { readonly kind: 'pass' }
  /** `code` is 0 to 65535. */
  | { readonly kind: 'fail'; readonly code: number }
  | { readonly kind: 'reset' };

/** All that a device's object is made from, in each thread anew. */
export interface DeviceServices extends DeviceSetting {
  /** The device's shared words: as many as it asked for, zero in a new machine. */
  readonly words: Int32Array;
  /** The guest's RAM. */
  readonly memory: GuestMemory;
  readonly clock: Clock;
  /** The wire to the interrupt controller. @param index which of the device's sources, 0 if it has one */
  line(index?: number): LineSink;
  readonly msi: MsiSink;
  /** The {@link HartInputs} of a hart may have changed. Called without locks, or with a device's that drives a line. */
  hartChanged(hart: number): void;
  /** Tells the {@link HostSide} of an event, a small number of the device's own. It may be told once for several. */
  tell(event: number): void;
  /** Ends the machine. */
  finish(finish: Finish): void;
  /**
   * Makes an I/O thread call {@link DeviceInstance.work}; undefined in a machine that has none.
   *
   * @param lane the thread's number: {@link EVENT_LANE}, {@link FOLDER_LANE}, or that of a drive
   */
  readonly wakeIo: ((lane: number) => void) | undefined;
  /** The contents of a drive, by its number. Only on the thread that carries out the device's requests. */
  openDrive(drive: number): Storage;
  /** The part of such a drive for the thread of a hart, if there is any. */
  openShortDrive(drive: number): ShortStorage | undefined;
  /** A shared folder, by its number. Only on the thread that carries out the device's requests. */
  openShare(share: number): HostFolder;
  /** The network at the other end of the card's cable. Only on the thread that carries its frames. */
  openNetwork(): Network;
  /** Tells people something that is worth knowing. */
  notice(text: string): void;
  /** Traces interrupts, in a machine that is traced. */
  readonly witness?: InterruptWitness | undefined;
  /** Traces requests of the device; of a bus, those of the device in a slot. */
  readonly requests?: ((slot?: number) => RequestWitness) | undefined;
}

/** An interrupt controller, as other devices see it. */
export interface InterruptController {
  /**
   * The wire of a source, for the one device that drives it.
   *
   * @throws RangeError if there is no such source
   */
  line(source: number): LineSink;
}

/** The interrupt files of all harts, as the rest of the machine sees them. */
export interface InterruptFiles {
  /**
   * The file of a hart by its number: one for each level at which software of this kind of machine receives interrupts,
   * the highest level first, then those of guests. Undefined if there is none.
   */
  file(hart: number, number: number): InterruptFile | undefined;
  /** A message is sent to that offset in the device's window. @returns false if no file takes messages there */
  receive(offset: number, data: number): boolean;
  /** Offset of the page of a hart's supervisor-level file. */
  supervisorPage(hart: number): number;
}

/** A device that drives interrupt inputs of harts: an interrupt controller, a timer. */
export interface HartInputs {
  /** @returns those of the `wanted` bits of `mip` that the device holds up at a hart; asked for often, on any thread */
  lines(hart: number, wanted: number): number;
  /**
   * Ticks at which the device's lines to a hart change by themselves: in the past if they have, Infinity if never.
   * Harts of bare machines ask; in a domain harts have timers of their own (Sstc, the SBI).
   */
  deadline?(hart: number): number;
}

/**
 * The wires of a terminal, for users beside the registers: the SBI's debug console, the host-target interface.
 */
export interface ConsoleWires {
  /** Puts bytes into the output. @returns how many were taken, fewer than given while nobody reads */
  emit(bytes: Uint8Array): number;
  /** Takes input that no driver has read. @param limit bytes at most */
  takeInput(limit: number): Uint8Array;
  /** Puts bytes on the wire to the guest. @returns how many were taken */
  receive(bytes: Uint8Array): number;
}

/** The part of a device that works for it on the thread that owns the machine. */
export interface HostSide {
  /** The ports that it is the host's side of. */
  readonly ports?: readonly GuestPort[];
  /** The way to sockets in the guest, if it is the host's side of that. */
  readonly sockets?: GuestSockets;
  /** The way to the guest's free memory, if it is the host's side of that. */
  readonly balloon?: GuestBalloon;
  /** The network card's counters, if it is the host's side of that. */
  readonly network?: GuestNetwork;
  /** An event that {@link DeviceServices.tell} was told of, in any thread. */
  hear(event: number): void;
  /** The machine is paused: nothing may change the device until {@link resume}, also not for events outside. */
  pause?(): void;
  /** Looks after all that has come up since {@link pause}. */
  resume?(): void;
  /**
   * The machine is a saved one that begins to run: the other ends of its connections are not there any more. Called
   * before {@link resume}, while no thread works for the guest.
   */
  restored?(): void;
  /** No thread works for the guest any more: remaining work is brought to its end. */
  finish?(): void;
}

/** State of a device on an I/O thread beside its shared words, as plain bytes. */
export interface KeptState {
  /** Which part of the device: 0 where it has one. */
  readonly part: number;
  readonly bytes: Uint8Array;
}

/** A device of one thread, and the parts that it plays. */
export interface DeviceInstance {
  readonly device: Device;
  readonly controller?: InterruptController;
  readonly inputs?: HartInputs;
  readonly interruptFiles?: InterruptFiles;
  readonly console?: ConsoleWires;
  /**
   * Does some of the work that may take long, on an I/O thread.
   *
   * @param lane the thread's number; work of others is left alone
   * @returns whether there may be more
   */
  work?(lane: number): boolean;
  /**
   * On an I/O thread, when the machine is saved: brings written data to their lasting place, and gives the state that
   * the device has there beside its shared words. A request that cannot be carried out again is behind it.
   *
   * @throws InputError when that cannot be done
   */
  save?(lane: number): Iterable<KeptState>;
  /**
   * On an I/O thread of a restored machine, before its first work: takes over the result of {@link save}.
   *
   * @throws InputError when that is none
   */
  restore?(lane: number, kept: readonly KeptState[]): void;
  /** Makes the host's side, where the device has one. Called once, on the thread that owns the machine. */
  connect?(backends: Backends): HostSide | undefined;
}

/** Nodes of the device tree, by where they belong. */
export interface DeviceNodes {
  readonly soc: readonly DeviceTreeNode[];
  readonly root?: readonly DeviceTreeNode[];
  /** Path of the node that `stdout-path` may name. */
  readonly console?: string;
}

/** A kind of device: all that a machine needs to have one. */
export interface DeviceDescriptor {
  readonly name: string;
  /** For the table in `docs/devices.md`. */
  readonly about: string;
  /** Shared words that it needs. */
  wordsFor(setting: DeviceSetting): number;
  /** The layouts that these words are in: a state saved under others is refused. */
  state(setting: DeviceSetting): readonly Type[];
  create(services: DeviceServices): DeviceInstance;
  describe(place: DevicePlace): DeviceNodes;
  /** Of a bus: names of the devices on it, and their slots. */
  slots?(setting: DeviceSetting): readonly { readonly name: string; readonly slot: number }[];
}
