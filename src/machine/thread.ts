/** The messages between a machine's threads and its owner. */
import type { KeptState } from '../devices/descriptor.ts';
import type { HartRegisters } from '../hart/saved-registers.ts';
import type { Protocol } from '../interrupts/protocol.ts';
import type { Network } from '../network/ethernet.ts';
import type { HostFolder } from '../shared-folders/host-folder.ts';
import type { ShortStorage, Storage } from '../storage/storage.ts';
import type { LiveBatch } from '../trace/live.ts';
import type { MomentBatch } from '../trace/moments.ts';
import type { TracePlace } from '../trace/ring.ts';
import type { TraceSummary } from '../trace/timeline.ts';
import type { TraceSubject } from '../trace/tracks.ts';
import type { Cpu } from './cpu.ts';
import type { Engine } from './engine.ts';
import type { BarePlan, DomainPlan } from './plan.ts';

/** Where the harts of a bare machine start, all of them in M-mode with their number in a0. Physical addresses. */
export interface RunBare {
  readonly entry: number;
  /** Goes into a1. */
  readonly deviceTreeAddress: number;
  /** Goes into a2: OpenSBI's fw_dynamic information, or 0. */
  readonly dynamicInfo: number;
  /** Address of the symbol `tohost`, if the program has it. */
  readonly tohost?: number;
  readonly fromhost?: number;
}

/** The data that each thread starts with; it can be sent by `postMessage`. */
export interface ThreadStart extends Cpu {
  readonly memory: WebAssembly.Memory;
  /** Number of the pCPU, or of the bare hart. */
  readonly index: number;
  readonly engine: Engine;
  /** Of a machine that was saved: where compiled code began, as `hotCodeOf` gives it. */
  readonly hot?: Uint32Array<ArrayBuffer> | undefined;
  /** Where the thread records its events, if the machine is traced. */
  readonly trace?: ThreadTrace | undefined;
}

/** The ring of a thread. */
export interface ThreadTrace {
  readonly place: TracePlace;
  readonly ring: number;
}

/** `boot`: a kernel of Linux boots, or one that is like it. `restored`: the machine was saved, and goes on. */
export type HeldBack = 'boot' | 'restored';

/** The start of a pCPU. */
export interface PcpuStart extends ThreadStart {
  readonly kind: 'domain';
  readonly plan: DomainPlan;
  /** Name of the interrupt protocol. */
  readonly protocol: string;
  /** Check the rules of the vCPU loop. */
  readonly debug: boolean;
  /** The beginning at which all threads but the first are held back, if there is one. */
  readonly heldBack?: HeldBack | undefined;
  /** The thread's share of a processor of the host: above 0, below 1; all, if it is left out. */
  readonly cpuShare?: number | undefined;
}

/** The start of a hart of a bare machine. */
export interface BareStart extends ThreadStart {
  readonly kind: 'bare';
  readonly plan: BarePlan;
  readonly bare: RunBare;
  /** Of a hart that was saved: it goes on with them. */
  readonly registers?: HartRegisters;
}

/** The start of a thread that does long work for devices. */
export interface IoStart extends ThreadStart {
  readonly kind: 'io';
  /** The thread's number among those. */
  readonly lane: number;
  /** The start of one of the machine's processors. */
  readonly of: PcpuStart | BareStart;
  /** State that the threads of a saved machine had kept. */
  readonly kept?: readonly KeptByDevice[];
}

/** State that a device keeps on an I/O thread, and its number among the devices. */
export interface KeptByDevice extends KeptState {
  readonly device: number;
}

/** The start of the thread that writes the records of the others. */
export interface TraceStart extends ThreadStart {
  readonly kind: 'trace';
  readonly place: TracePlace;
  readonly subject: TraceSubject;
  /** Shared time in milliseconds that is 0 in the trace. */
  readonly startedAt: number;
}

export type WorkerStart = PcpuStart | BareStart | IoStart | TraceStart;

/** The report of a trace, at the end. */
export interface TraceReport extends TraceSummary {
  /** Events and bytes that were written. */
  readonly events: number;
  readonly bytes: number;
}

/** Where a trace is written. */
export interface TraceSink {
  /** @throws Error when that is not possible any more; its message is for people */
  write(bytes: Uint8Array): void;
  close(): void;
  /** The guest kernel's `System.map`, if there is one. */
  readonly systemMap?: string | undefined;
}

/**
 * A message of a thread to the main thread. A guest can make only a bounded number of messages wait: an event of a
 * device is sent when none of its kind is under way, notices are counted, and the others come once or with the
 * machine's end.
 */
export type WorkerMessage =
  /** A device has something for its host's side ({@link DeviceEvents}). Both are numbers. */
  | { readonly kind: 'device'; readonly device: number; readonly event: number }
  /** A processor has stopped for a debugger, whose words say which and why; once until it goes on. */
  | { readonly kind: 'debug' }
  /** The machine is ending. */
  | { readonly kind: 'ended' }
  /** The guest can make no progress; in words why. The machine is ending. */
  | { readonly kind: 'stuck'; readonly text: string }
  /** Compiled and interpreted code do not do the same; in words how. The machine is ending. */
  | { readonly kind: 'differs'; readonly text: string }
  /** Some of the guest's code did not compile, and is interpreted; in words which. Once a thread. */
  | { readonly kind: 'refused'; readonly text: string }
  /** An I/O thread was asked for its state ({@link Control.ask}): a part of that. */
  | { readonly kind: 'kept'; readonly kept: KeptByDevice }
  /** All of it was sent, or in words why it cannot be. */
  | { readonly kind: 'keptAll'; readonly lane: number; readonly trouble?: string }
  /** Interrupts on their way, for live watchers. So many are under way at most. */
  | { readonly kind: 'interrupts'; readonly batch: LiveBatch }
  /** All events, for watchers of those. So many are under way at most. */
  | { readonly kind: 'moments'; readonly batch: MomentBatch }
  /** The trace is whole. */
  | { readonly kind: 'traced'; readonly report: TraceReport }
  /** For people: a line that is worth knowing. */
  | { readonly kind: 'notice'; readonly text: string };

/** The network at the other end of the card's cable, on the I/O thread with events. */
export interface OpenNetwork extends Network {
  /** Lets the thread's events happen. */
  turn(): Promise<void>;
  /** Ends all that goes on with others. */
  end(): void;
}

/** The rest of a machine, as its network knows it. */
export interface NetworkCallbacks {
  /** There may be a frame for the guest. */
  ready(): void;
  /** Tells people something that is worth knowing. */
  notice(text: string): void;
}

/** Services of the thread's surroundings. */
export interface WorkerHost {
  /** The compiled interpreter (`generateInterpreter`) for harts of the machine's width. */
  readonly interpreter: WebAssembly.Module;
  /** Milliseconds to add to this thread's `performance.now()` for the time that all threads share. */
  readonly clockOffset: number;
  notify(message: WorkerMessage): void;
  /** Opens the file for a trace, on the thread that writes it. */
  readonly openTrace?: () => TraceSink;
  /** Opens the contents of a drive, by its number; not there in a machine without drives. */
  readonly openDrive?: (drive: number) => Storage;
  /**
   * Opens the part that a thread of a hart may have of a drive that {@link openDrive} opens elsewhere, if it may have
   * any.
   */
  readonly openShortDrive?: (drive: number) => ShortStorage | undefined;
  /** Opens a shared folder, by its number; not there in a machine without any. */
  readonly openShare?: (share: number) => HostFolder;
  /** Closes all that is open in the shared folders that this thread has opened, at its end. */
  readonly closeShares?: () => void;
  /** Opens the network of a machine that has one, on its I/O thread with events. */
  readonly openNetwork?: (callbacks: NetworkCallbacks) => OpenNetwork;
  /** Closes the drives that this thread has opened, at its end. @returns its failures, for people */
  readonly closeDrives?: () => readonly string[];
  /** Gives the protocol that this thread uses in the place of a domain's protocol: for demonstrations and tests. */
  readonly standIn?: (protocol: Protocol) => Protocol;
}
