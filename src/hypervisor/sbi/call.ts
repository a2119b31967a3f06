import type { Hart } from '../../hart/index.ts';
import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { SoftwareEvents } from '../software-events.ts';
import type { Vcpu } from '../vcpu.ts';

/** Standard error codes (SBI specification 3.0, chapter "Binary Encoding"). */
export const SBI = {
  success: 0,
  failed: -1,
  notSupported: -2,
  invalidParameter: -3,
  denied: -4,
  invalidAddress: -5,
  alreadyAvailable: -6,
  alreadyStarted: -7,
  alreadyStopped: -8,
  noSharedMemory: -9,
  invalidState: -10,
  badRange: -11,
  deniedLocked: -14,
} as const;

/**
 * The fate of the calling vCPU: it goes on, is suspended until an interrupt is pending and then goes on, stops, or
 * makes the same call again, between which others get its pCPU and the machine can be paused.
 */
export type SbiOutcome = 'return' | 'suspend' | 'stop' | 'repeat';

/** The domain around the caller, as far as calls may use it. */
export interface SbiDomain {
  readonly vcpus: readonly Vcpu[];
  /** False once the domain has ended. */
  readonly running: boolean;
  /** Puts a vCPU that was stopped on the run queue. */
  start(vcpu: Vcpu): void;
  /** Ends the domain. */
  end(reason: 'shutdown' | 'failure' | 'reboot'): void;
  /** Writes bytes to the console; returns how many were taken. */
  consoleWrite(bytes: Uint8Array): number;
  /** Takes pending console input, so many bytes at most. */
  consoleRead(most: number): Uint8Array;
  /** Writes one byte to the console, if there is room, or there comes to be some soon. */
  consolePut(byte: number): boolean;
  readonly memory: GuestMemory;
  /** The software events of all vCPUs. */
  readonly events: SoftwareEvents;
}

/** One ECALL from VS-mode: arguments a0..a5 are read from the hart, results are left here. */
export class SbiCall {
  error: number = SBI.success;
  valueLow = 0;
  valueHigh = 0;
  outcome: SbiOutcome = 'return';
  /** Whether a0 and a1 take error and value; not so for a call that continues elsewhere. */
  returns = true;
  readonly hart: Hart;
  readonly vcpu: Vcpu;
  readonly domain: SbiDomain;

  constructor(hart: Hart, vcpu: Vcpu, domain: SbiDomain) {
    this.hart = hart;
    this.vcpu = vcpu;
    this.domain = domain;
  }

  /** Argument a0..a7, low half. */
  low(index: number): number {
    return this.hart.state.xLow(10 + index);
  }

  /** The high half, which is 0 on RV32. */
  high(index: number): number {
    return this.hart.state.addressHigh(10 + index);
  }

  /** High half of an argument of 64 bits: on RV32 it takes two registers. */
  highOfWide(index: number): number {
    return this.hart.state.xlen === 64 ? this.high(index) : this.low(index + 1);
  }

  /** Argument a0..a7 as a number: exact below 2^53. */
  unsigned(index: number): number {
    return (this.high(index) >>> 0) * 2 ** 32 + (this.low(index) >>> 0);
  }

  /** Returns with an error code. */
  fail(error: number): void {
    this.error = error;
    this.valueLow = 0;
    this.valueHigh = 0;
  }

  /** Returns success with a value that fits 32 bits, sign-extended. */
  succeed(value = 0): void {
    this.error = SBI.success;
    this.valueLow = value | 0;
    this.valueHigh = value < 0 ? -1 : 0;
  }

  /** Returns success with a value of 64 bits. */
  succeedWide(low: number, high: number): void {
    this.error = SBI.success;
    this.valueLow = low | 0;
    this.valueHigh = high | 0;
  }

  /** Ends the call as an error code says. */
  finish(error: number): void {
    if (error === SBI.success) this.succeed();
    else this.fail(error);
  }

  /** Whether a pair of arguments, the second for bits above XLEN, is all ones: the way to say "no memory". */
  isNowhere(index: number): boolean {
    return this.#isAllOnes(index) && this.#isAllOnes(index + 1);
  }

  #isAllOnes(index: number): boolean {
    return this.low(index) === -1 && this.high(index) === this.hart.state.upper;
  }

  /** Whether argument `index` is not 0: reserved flags, or the part of an address above XLEN, where no RAM is. */
  isNotZero(index: number): boolean {
    return (this.low(index) | this.high(index)) !== 0;
  }

  /** Where a vCPU can begin: argument `index` is the address of an instruction in RAM. */
  isEntry(index: number): boolean {
    return (this.low(index) & 1) === 0 && this.domain.memory.contains(this.unsigned(index), 2);
  }

  /** The vCPU whose number argument `index` is. */
  vcpuAt(index: number): Vcpu | undefined {
    return this.high(index) === 0 ? this.domain.vcpus[this.low(index) >>> 0] : undefined;
  }

  /**
   * The vCPUs that a hart mask names (chapter "Hart list parameter"): `mask` in argument `index`, `base` in the next;
   * base -1 means all. Undefined when one of them does not exist.
   */
  targets(index: number): readonly Vcpu[] | undefined {
    const { vcpus } = this.domain;
    const baseLow = this.low(index + 1);
    const baseHigh = this.high(index + 1);
    if (this.#isAllOnes(index + 1)) return vcpus;
    const targets: Vcpu[] = [];
    for (let bit = 0; bit < 64; bit++) {
      const word = bit < 32 ? this.low(index) : this.high(index);
      if (((word >>> (bit & 31)) & 1) === 0) continue;
      const vcpu = baseHigh === 0 ? vcpus[(baseLow >>> 0) + bit] : undefined;
      if (vcpu === undefined) return undefined;
      targets.push(vcpu);
    }
    return targets;
  }
}

/** One extension: its number, and its functions by number. */
export interface SbiExtension {
  readonly id: number;
  readonly name: string;
  /** False for a function that the extension does not have. */
  call(functionId: number, call: SbiCall): boolean;
}
