import type { Decoded, Extension, Xlen } from '../../isa/instruction.ts';
import type { Halves } from '../../layout/halves.ts';
import { type Exception, fillException, noException } from '../exceptions.ts';
import type { Platform } from '../platform.ts';
import type { HartState } from '../state.ts';

/** Services of the rest of the hart for the privileged architecture. */
export interface PrivilegedHooks {
  /**
   * Something that address translation depends on has changed: privilege, V, MPRV, MPP, MPV, SUM, MXR, SPVP, an
   * address-space register (satp, vsatp, hgatp), the updates of A and D bits, or pointer masking.
   */
  contextChanged(): void;
  /**
   * A fence of address translation. `vma` is about the address space of the current V; an operand is undefined when
   * the register is x0. For `gvma` the address is guest-physical, shifted right by 2.
   *
   * @param id ASID (16 bits), or VMID (14 bits) for `gvma`
   */
  fence(
    kind: 'vma' | 'vvma' | 'gvma',
    addressLow: number | undefined,
    addressHigh: number | undefined,
    id: number | undefined,
  ): void;
  fenceI(): void;
  /** Carries out a permitted cache-block operation. False: the exception record is filled in. */
  cacheBlock(
    operation: 'clean' | 'flush' | 'inval' | 'zero',
    addressLow: number,
    addressHigh: number,
  ): boolean;
  /** Carries out a permitted hlv, hlvx or hsv. False: the exception record is filled in. */
  guestAccess(decoded: Decoded): boolean;
  /** Reads pmpcfg or pmpaddr number `csr`, an existing one, into `out`. */
  pmpRead(csr: number, out: Halves): void;
  pmpWrite(csr: number, low: number, high: number): void;
  /** Leaves the number of instructions retired before the current one in `out`. */
  retired(out: Halves): void;
  /** Whether memory still holds the value that the last LR loaded. Only with a reservation. */
  reservationHolds(): boolean;
  /** The run under way, if there is one, may carry out so many instructions more, and no more than before. */
  limitRun(instructions: number): void;
  /** Carries out a compare-and-swap of register pairs, or says what came in between. */
  comparePair(decoded: Decoded): Outcome;
  /** Whether somebody wants the hart to leave the guest. */
  exitRequested(): boolean;
}

/** Features of a hart. */
export interface PrivilegedOptions {
  readonly extensions: ReadonlySet<Extension>;
  readonly hartId: number;
  /** HS-mode is played by the host: traps to M or HS leave the hart after writing the CSRs of HS. Default false. */
  readonly hsHost?: boolean;
  /** PMP entries: 0, 16 or 64. Default 16. */
  readonly pmpEntries?: number;
  /** GEILEN, the number of guest external interrupts: 0 to 31. Default 0. */
  readonly guestExternalInterrupts?: number;
  /**
   * Smstateen; firmware that does not know it leaves senvcfg and henvcfg closed to HS-mode. By default as `extensions`
   * say.
   */
  readonly stateEnable?: boolean;
  /** Smaia and Ssaia: without, or with interrupt files of an IMSIC ({@link Platform.interruptFile}). Default none. */
  readonly aia?: 'none' | 'aplic' | 'aplic-imsic';
}

/** {@link PrivilegedOptions} in the form in which rules ask. */
export interface Features {
  readonly xlen: Xlen;
  readonly extensions: ReadonlySet<Extension>;
  readonly hartId: number;
  readonly hsHost: boolean;
  readonly pmpEntries: number;
  readonly geilen: number;
  readonly stateEnable: boolean;
  readonly hypervisor: boolean;
  readonly float: boolean;
  readonly vector: boolean;
  readonly sstc: boolean;
  readonly aia: boolean;
  readonly imsic: boolean;
}

/** Result of an instruction that {@link Privileged.execute} carries out. */
export const OUTCOME = {
  /** Go on behind the instruction. */
  next: 0,
  /** pc has been set (xRET). */
  jumped: 1,
  /** The exception record has been filled in; nothing else has changed. */
  exception: 2,
  /** WFI with nothing pending: set pc behind the instruction, then sleep until an interrupt is pending. */
  wait: 3,
  /** Go on behind FENCE.I, and look for no interrupts. */
  fenced: 4,
  /** Nothing was done: end the run as a poll does, and carry the instruction out later. */
  again: 5,
} as const;
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME];

/** The mode that handles a trap. */
export type TrapTarget = 'M' | 'HS' | 'VS';

/**
 * The hart as every rule of the privileged architecture gets it. `low` and `high` hold the 64-bit result of CSR reads
 * and the like.
 */
export class Context implements Halves {
  readonly state: HartState;
  readonly platform: Platform;
  readonly hooks: PrivilegedHooks;
  readonly features: Features;
  readonly exception: Exception = noException();
  low = 0;
  high = 0;
  /** Counters that may overflow in the run under way, as bits. */
  nearOverflow = 0;
  /** 1 while an instruction accesses a CSR, 0 while the host does: the instruction will count as retired. */
  instructions: 0 | 1 = 0;

  constructor(state: HartState, platform: Platform, hooks: PrivilegedHooks, options: PrivilegedOptions) {
    this.state = state;
    this.platform = platform;
    this.hooks = hooks;
    const { extensions, aia = 'none' } = options;
    const hypervisor = extensions.has('h');
    this.features = {
      xlen: state.xlen,
      extensions,
      hartId: options.hartId,
      hsHost: options.hsHost ?? false,
      pmpEntries: options.pmpEntries ?? 16,
      geilen: hypervisor ? (options.guestExternalInterrupts ?? 0) : 0,
      stateEnable: options.stateEnable ?? extensions.has('smstateen'),
      hypervisor,
      float: extensions.has('f'),
      vector: extensions.has('v'),
      sstc: extensions.has('sstc'),
      aia: aia !== 'none',
      imsic: aia === 'aplic-imsic',
    };
  }
}

/** Fills the exception record in; the address parts of it are 0. */
export function raise(context: Context, cause: number, tvalLow = 0, tvalHigh = 0): typeof OUTCOME.exception {
  fillException(context.exception, cause, tvalLow, tvalHigh, false);
  return OUTCOME.exception;
}
