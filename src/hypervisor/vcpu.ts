import type { ExceptionRow } from '../hart/exception-row.ts';
import type { Hart } from '../hart/index.ts';
import { CSR, type CsrField, FIELD, VILL } from '../hart/layout.ts';
import { COUNTER, GUEST_INTERRUPTS, HSTATUS, INTERRUPT, STATUS } from '../hart/privileged/registers.ts';
import { IRQ_RAS_HIGH, IRQ_RAS_LOW, IRQ_VS_SOFT, interruptNumbers } from '../interrupts/numbers.ts';
import { type BlockResult, VcpuInterrupts } from '../interrupts/vcpu-interrupts.ts';
import { EXIT_REQUEST, vcpuWordsAt } from '../interrupts/words.ts';
import type { Xlen } from '../isa/index.ts';
import type { Recorder } from '../trace/recorder.ts';
import { FirmwareState } from './firmware-state.ts';
import { DELEGATED_EXCEPTIONS, VIRTUAL_INTERRUPTS } from './guest-environment.ts';
import {
  GUEST,
  HSM,
  OWN_STAT,
  type OwnStat,
  SHARED_STAT,
  type SharedStat,
  type Stat,
  VCPU,
} from './vcpu-layout.ts';
import type { VcpuOptions } from './vcpu-options.ts';

/** hvip and hip positions (privileged specification, "Hypervisor Interrupt Registers"). */
export const { vssi: VSSIP, vsti: VSTIP, vsei: VSEIP } = INTERRUPT;

const NO_DEADLINE = -1n;
/** Numbers of the registers for the first two arguments. */
const A0 = 10;
const A1 = 11;
const WORD = VCPU.word;
const GUEST_WORD = GUEST.word;
/**
 * The guest is entered by SRET; guest external interrupt 1 is the line from the interrupt controller; WFI traps at
 * once.
 */
const GUEST_HSTATUS = HSTATUS.spv | HSTATUS.spvp | (1 << HSTATUS.vgeinShift) | HSTATUS.vtw;
/** Position of hgatp.VMID in the high half. */
const VMID_SHIFT = 12;

/** scounteren: the counters that user mode may read. */
const USER_COUNTERS = COUNTER.cycle | COUNTER.time | COUNTER.instret;

/** CSRs that belong to the guest and move with the vCPU. */
const GUEST_CSRS: readonly CsrField[] = [
  'vsstatus',
  'hie',
  'vstvec',
  'vsscratch',
  'vsepc',
  'vscause',
  'vstval',
  'vsatp',
  'vstimecmp',
  // The interrupt file that it looks into is the vCPU's own, and stays where it is.
  'vsiselect',
  'scounteren',
  'senvcfg',
  'hedeleg',
  'hstatus',
  'hvip',
  // Before the counters, which it stops.
  'mcountinhibit',
];

/** With the AIA: its select register, the bits of vsie for interrupts that hvien turns on, and overflown counters. */
const AIA_GUEST_CSRS: readonly CsrField[] = ['vsiselect', 'vsieVirtual', 'scountovf'];

/** Vector state but for the registers. */
const VECTOR_STATE = ['vstart', 'vl', 'vtype', 'vxrm', 'vxsat'] as const;

/** Where vector state is in a layout, in bytes. */
type VectorPlaces = Readonly<Record<(typeof VECTOR_STATE)[number] | 'v', number>>;

const inVcpu = (name: keyof VectorPlaces): number => VCPU.at.guest + GUEST.at[name];
const VECTORS_IN_VCPU: VectorPlaces = {
  ...{ vstart: inVcpu('vstart'), vl: inVcpu('vl'), vtype: inVcpu('vtype') },
  ...{ vxrm: inVcpu('vxrm'), vxsat: inVcpu('vxsat'), v: inVcpu('v') },
};

/** The counters: where a hart has them as CSRs, and where a vCPU that is not loaded keeps their values. */
const COUNTERS = [
  { number: 0xb00, at: CSR.mcycleOffset },
  { number: 0xb02, at: CSR.minstretOffset },
] as const;

/** One vCPU as one thread sees it; its state is in shared memory. */
export class Vcpu {
  readonly index: number;
  readonly interrupts: VcpuInterrupts;
  /** The state that the machine's firmware would keep for it. */
  readonly firmware: FirmwareState;
  /** Address in linear memory of the word that asks this vCPU's guest to be left. */
  readonly exitRequest: number;
  /** The whole area, but for the parts of the views below. */
  readonly #words: Int32Array;
  /** Places: {@link GUEST_WORD}. */
  readonly #guest: Int32Array;
  readonly #x: Int32Array;
  readonly #f: Int32Array;
  readonly #csr: Int32Array;
  readonly #stats: Float64Array;
  readonly #sharedStats: Int32Array;
  readonly #deadline: BigInt64Array;
  readonly #ticks: () => number;
  readonly #externalPending: () => boolean;
  readonly #sstc: boolean;
  readonly #guestCsrs: readonly CsrField[];
  readonly #xlen: Xlen;
  readonly #vlenb: number;
  readonly #trace: Recorder | undefined;
  /** A counter that overflows raises LCOFI, which guests have with the AIA. */
  readonly tellsOverflows: boolean;
  /**
   * Levels that the hart derives by itself while the guest runs are left out then: the external interrupt
   * (hgeip), and the timer if the guest has Sstc.
   */
  #hartDerives = true;

  constructor(options: VcpuOptions) {
    const { area } = options;
    const { buffer } = options.memory;
    this.index = options.index;
    this.exitRequest = area + VCPU.at.interrupts + 4 * EXIT_REQUEST;
    this.firmware = new FirmwareState(options.memory, area + VCPU.at.firmware);
    this.#words = VCPU.over(buffer, area);
    this.#guest = VCPU.view('guest', buffer, area);
    this.#x = GUEST.view('x', buffer, area + VCPU.at.guest);
    this.#f = GUEST.view('f', buffer, area + VCPU.at.guest);
    this.#csr = VCPU.view('csr', buffer, area);
    this.#stats = VCPU.view('stats', buffer, area);
    this.#sharedStats = VCPU.view('sharedStats', buffer, area);
    this.#deadline = VCPU.view('deadline', buffer, area);
    this.#ticks = options.ticks;
    this.#externalPending = options.externalPending;
    this.#sstc = options.sstc;
    const aia = options.aia === true;
    this.tellsOverflows = aia;
    this.#guestCsrs = aia ? [...GUEST_CSRS, ...AIA_GUEST_CSRS] : GUEST_CSRS;
    this.#xlen = options.xlen ?? 64;
    this.#vlenb = (options.vlen ?? 0) / 8;
    this.#trace = options.trace;
    this.interrupts = new VcpuInterrupts({
      words: vcpuWordsAt(buffer, area + VCPU.at.interrupts),
      protocol: options.protocol,
      numbers: interruptNumbers({ lcofi: aia, edges: aia ? [IRQ_RAS_LOW, IRQ_RAS_HIGH] : [] }),
      derive: () => this.#levels(),
      wake: () => {
        this.firmware.readySince = options.ticks();
        this.#trace?.ready(this.index);
        options.wake();
      },
      debug: options.debug ?? false,
    });
  }

  /** Puts the vCPU into the state it has before it is started; once, before any thread runs. */
  reset(): void {
    this.hsm = HSM.stopped;
    this.#csr.fill(0);
    this.#guest.fill(0);
    this.#setDeadlineWords(-1, -1);
    Atomics.store(this.#deadline, 0, NO_DEADLINE);
    this.#words[WORD.lastPcpu] = 0;
  }

  /** Sets where a stopped vCPU will begin; S-mode, address translation off, a0 = its number, a1 = `argument`. */
  #prepareStart(addressLow: number, addressHigh: number, argumentLow: number, argumentHigh: number): void {
    this.#guest.fill(0);
    this.#csr.fill(0);
    this.#setDeadlineWords(-1, -1);
    const x = this.#x;
    x[0] = addressLow;
    x[1] = addressHigh;
    x[2 * A0] = this.index;
    x[2 * A1] = argumentLow;
    x[2 * A1 + 1] = this.#xlen === 64 ? argumentHigh : argumentLow >> 31;
    this.#guest[GUEST_WORD.privilege] = 1;
    this.#guest[GUEST_WORD.vtype] = VILL;
    // FS = Initial is for the guest to set.
    this.#csr[CSR.vsstatus + 1] = this.#xlen === 64 ? STATUS.uxlHigh : 0;
    this.#csr[CSR.hstatus + 1] = this.#xlen === 64 ? HSTATUS.vsxlHigh : 0;
    this.#csr[CSR.hedeleg] = DELEGATED_EXCEPTIONS;
    this.firmware.reset();
    // Kernels without a driver for counters leave this as firmware does, and their programs read the time.
    this.#csr[CSR.scounteren] = USER_COUNTERS;
  }

  get hsm(): number {
    // Meets the store below, on the thread that changes the state.
    return Atomics.load(this.#words, WORD.hsm);
  }

  set hsm(state: number) {
    Atomics.store(this.#words, WORD.hsm, state);
  }

  /** Claims a state change that several vCPUs may ask for at once. */
  changeHsm(from: number, to: number): boolean {
    // Meets itself on other threads: one of them wins.
    return Atomics.compareExchange(this.#words, WORD.hsm, from, to) === from;
  }

  /**
   * Puts the vCPU's registers and CSRs into the hart.
   *
   * @returns whether the hart may hold translations or code of this vCPU that are out of date, because another pCPU had
   * it last: fences there did not reach this hart
   */
  loadRegisters(hart: Hart, pcpu: number): boolean {
    this.showRegisters(hart);
    const words = this.#words;
    const last = words[WORD.lastPcpu] as number;
    words[WORD.lastPcpu] = pcpu + 1;
    const moved = last !== 0 && last !== pcpu + 1;
    if (moved) this.count('migrations');
    return moved || last === 0;
  }

  /** Puts the same into a hart that only shows them. */
  showRegisters(hart: Pick<Hart, 'state' | 'privileged'>): void {
    const { state } = hart;
    const guest = this.#guest;
    state.x.set(this.#x);
    state.f.set(this.#f);
    state.csr[CSR.sepc] = this.#x[0] as number;
    state.csr[CSR.sepc + 1] = this.#x[1] as number;
    state.x[0] = 0;
    state.x[1] = 0;
    state.words[FIELD.fflags >> 2] = guest[GUEST_WORD.fflags] as number;
    state.words[FIELD.frm >> 2] = guest[GUEST_WORD.frm] as number;
    state.words[FIELD.reservation >> 2] = 0;
    this.#copyVectors(this.#words, VECTORS_IN_VCPU, state.words, FIELD);
    for (const name of this.#guestCsrs) this.#copyCsr(name, this.#csr, state.csr);
    this.#loadCounters(hart);
    this.#setReturn(hart, guest[GUEST_WORD.privilege] as number);
  }

  /** Prepares the SRET that enters the guest: its privilege, V=1, floating point allowed, translations of its own. */
  #setReturn(hart: Pick<Hart, 'state'>, privilege: number): void {
    const { csr } = hart.state;
    const status = (csr[CSR.mstatus] as number) & ~STATUS.spp;
    csr[CSR.mstatus] =
      status | (privilege === 0 ? 0 : STATUS.spp) | STATUS.fs | (this.#vlenb === 0 ? 0 : STATUS.vs);
    csr[CSR.hstatus] = (csr[CSR.hstatus] as number) | GUEST_HSTATUS;
    // Guest-physical addresses are used as they are (MODE = Bare); the VMID keeps vCPUs apart in the TLB.
    csr[CSR.hgatp] = 0;
    csr[CSR.hgatp + 1] = (this.index + 1) << VMID_SHIFT;
  }

  /** Copies vector state from one layout to the other; harts without vectors have none. */
  #copyVectors(from: Int32Array, fromAt: VectorPlaces, to: Int32Array, toAt: VectorPlaces): void {
    if (this.#vlenb === 0) return;
    for (const name of VECTOR_STATE) to[toAt[name] >> 2] = from[fromAt[name] >> 2] as number;
    to.set(from.subarray(fromAt.v >> 2, (fromAt.v >> 2) + this.#vlenb * 8), toAt.v >> 2);
  }

  /** Takes the vCPU's registers and CSRs out of the hart, which is outside of the guest: sepc tells where it was. */
  save(hart: Pick<Hart, 'state' | 'privileged'>): void {
    const { state } = hart;
    const guest = this.#guest;
    this.#x.set(state.x);
    this.#f.set(state.f);
    this.#x[0] = state.csr[CSR.sepc] as number;
    this.#x[1] = state.csr[CSR.sepc + 1] as number;
    guest[GUEST_WORD.fflags] = state.words[FIELD.fflags >> 2] as number;
    guest[GUEST_WORD.frm] = state.words[FIELD.frm >> 2] as number;
    this.#copyVectors(state.words, FIELD, this.#words, VECTORS_IN_VCPU);
    guest[GUEST_WORD.privilege] = ((state.csr[CSR.mstatus] as number) >> STATUS.sppShift) & 1;
    for (const name of this.#guestCsrs) this.#copyCsr(name, state.csr, this.#csr);
    this.#saveCounters(hart);
    this.#publishDeadline();
  }

  /** Sleeps if nothing is pending. The vCPU has been saved, and is to be loaded again if something is. */
  block(): BlockResult {
    this.#hartDerives = false;
    // The guest's vsie is these bits of hie (hideleg has them all), and those that hvien turns on.
    const delegated = (this.#csr[CSR.hie] as number) & GUEST_INTERRUPTS;
    const virtual = (this.#csr[CSR.vsieVirtual] as number) & VIRTUAL_INTERRUPTS.low;
    const high = (this.#csr[CSR.vsieVirtual + 1] as number) & VIRTUAL_INTERRUPTS.high;
    const result = this.interrupts.block(delegated | virtual, high);
    this.#hartDerives = true;
    return result;
  }

  /**
   * Sets the time at which the guest's timer interrupt becomes pending, as the SBI call does; the vCPU is loaded.
   * Ticks as two words, unsigned.
   */
  setDeadline(hart: Hart, low: number, high: number): void {
    this.#trace?.arm(this.index);
    hart.state.csr[CSR.vstimecmp] = low;
    hart.state.csr[CSR.vstimecmp + 1] = high;
    this.#setDeadlineWords(low, high);
  }

  /** Ticks until which the loaded guest can run without its timer becoming due; Infinity if it never will. */
  runDeadline(hart: Hart): number {
    const { csr } = hart.state;
    const low = (csr[CSR.vstimecmp] as number) >>> 0;
    return ((csr[CSR.vstimecmp + 1] as number) >>> 0) * 0x1_0000_0000 + low;
  }

  /**
   * Makes the loaded guest begin anew at an address when it is entered next, as after a non-retentive suspend: S-mode,
   * interrupts and address translation off, a0 = its number, a1 = `argument`.
   */
  resumeAt(
    hart: Hart,
    addressLow: number,
    addressHigh: number,
    argumentLow: number,
    argumentHigh: number,
  ): void {
    const { csr } = hart.state;
    csr[CSR.sepc] = addressLow;
    csr[CSR.sepc + 1] = addressHigh;
    csr[CSR.mstatus] = (csr[CSR.mstatus] as number) | STATUS.spp;
    csr[CSR.vsstatus] = (csr[CSR.vsstatus] as number) & ~STATUS.sie;
    csr[CSR.vsatp] = 0;
    csr[CSR.vsatp + 1] = 0;
    hart.state.setX(A0, this.index, 0);
    hart.state.setX(A1, argumentLow, argumentHigh);
  }

  /**
   * Where a vCPU that is about to start begins, and the value for its a1; set by the thread that has claimed its start.
   * Interrupts that were sent to it before are dropped: HSM gives a stopped hart back to the SBI implementation, so
   * they were not for the supervisor that starts now. Later ones are kept.
   */
  setStart(addressLow: number, addressHigh: number, argumentLow: number, argumentHigh: number): void {
    this.#trace?.restart(this.index);
    this.interrupts.resetStopped();
    this.firmware.readySince = this.#ticks();
    this.#words.set([addressLow, addressHigh], WORD.startAddress);
    this.#words.set([argumentLow, argumentHigh], WORD.startArgument);
  }

  /** Turns the words of {@link setStart} into the state the vCPU starts in. */
  applyStart(): void {
    const words = this.#words;
    const { startAddress, startArgument } = WORD;
    this.#prepareStart(
      words[startAddress],
      words[startAddress + 1],
      words[startArgument],
      words[startArgument + 1],
    );
  }

  /** Ticks at which a sleeping vCPU's timer is due, as it was when it was saved; Infinity if never. */
  get sleepDeadline(): number {
    // Meets the store in `#publishDeadline`, which comes before the vCPU is published as blocked.
    const ticks = Atomics.load(this.#deadline, 0);
    return ticks < 0n ? Number.POSITIVE_INFINITY : Number(ticks);
  }

  /** Makes a software interrupt pending. Any thread. */
  setSoftInterrupt(): void {
    this.#countShared('setSoft');
    this.#trace?.set(this.index, IRQ_VS_SOFT);
    const kicked = this.interrupts.setInterrupt(IRQ_VS_SOFT);
    if (kicked) this.#countShared('kicks');
    this.#trace?.setDone(this.index, IRQ_VS_SOFT, kicked);
  }

  /** Makes the vCPU look at its interrupt levels, and at whether the domain runs. Any thread. */
  kick(): void {
    this.#countShared('kicks');
    this.#trace?.kick(this.index);
    this.interrupts.kick();
  }

  /** Makes the vCPU look at the level of its external interrupt. Any thread. */
  nudge(): void {
    this.#countShared('kicks');
    this.#trace?.kick(this.index);
    this.interrupts.nudge();
  }

  /** Whether the vCPU has executed WFI (or a suspend call) and waits for an interrupt since. For its owner. */
  get waiting(): boolean {
    return this.#guest[GUEST_WORD.waiting] !== 0;
  }

  set waiting(waits: boolean) {
    this.#guest[GUEST_WORD.waiting] = waits ? 1 : 0;
  }

  /**
   * Notes how a run went, for its owner to find out that the guest is stuck.
   *
   * @param traps exceptions that the guest took
   * @returns exceptions since its last instruction
   */
  noteProgress(instructions: number, traps: number, row: ExceptionRow): number {
    const guest = this.#guest;
    if (instructions > 0) guest[GUEST_WORD.sinceProgress] = 0;
    if (traps === 0) return 0;
    const before = guest[GUEST_WORD.sinceProgress] as number;
    if (before === 0) {
      guest[GUEST_WORD.rowCause] = row.firstCause;
      guest[GUEST_WORD.rowPc] = row.firstPcLow;
      guest[GUEST_WORD.rowPc + 1] = row.firstPcHigh;
    }
    // Those before the last instruction do not count.
    const sinceProgress = before + Math.min(traps, row.length);
    guest[GUEST_WORD.sinceProgress] = sinceProgress;
    return sinceProgress;
  }

  /** The exception that began the row which {@link noteProgress} counts. */
  get rowOrigin(): { readonly cause: number; readonly pcLow: number; readonly pcHigh: number } {
    const guest = this.#guest;
    const at = GUEST_WORD.rowPc;
    const cause = guest[GUEST_WORD.rowCause] as number;
    return { cause, pcLow: guest[at] as number, pcHigh: guest[at + 1] as number };
  }

  /** Adds to a counter, for the vCPU's owner. */
  count(name: OwnStat, by = 1): void {
    const index = OWN_STAT[name];
    this.#stats[index] = (this.#stats[index] as number) + by;
  }

  #countShared(name: SharedStat): void {
    // Meets itself on other threads: none of the additions is lost.
    Atomics.add(this.#sharedStats, SHARED_STAT[name], 1);
  }

  /** A counter as it was a moment ago; shared ones modulo 2^32. */
  stat(name: Stat): number {
    if (name in OWN_STAT) return this.#stats[OWN_STAT[name as OwnStat]] as number;
    return Atomics.load(this.#sharedStats, SHARED_STAT[name as SharedStat]) >>> 0;
  }

  #copyCsr(name: CsrField, from: Int32Array, to: Int32Array): void {
    const at = CSR[name];
    to[at] = from[at] as number;
    to[at + 1] = from[at + 1] as number;
  }

  /** The hart has counted for other vCPUs, or was another one: its counters go on from where this vCPU's were. */
  #loadCounters({ privileged }: Pick<Hart, 'privileged'>): void {
    for (const { number, at } of COUNTERS) {
      privileged.writeCsr(number, this.#csr[at] as number, this.#csr[at + 1] as number);
    }
  }

  #saveCounters({ privileged }: Pick<Hart, 'privileged'>): void {
    for (const { number, at } of COUNTERS) {
      privileged.readCsr(number);
      this.#csr[at] = privileged.low;
      this.#csr[at + 1] = privileged.high;
    }
  }

  #setDeadlineWords(low: number, high: number): void {
    this.#csr[CSR.vstimecmp] = low;
    this.#csr[CSR.vstimecmp + 1] = high;
  }

  #savedDeadline(): number {
    const low = (this.#csr[CSR.vstimecmp] as number) >>> 0;
    const high = (this.#csr[CSR.vstimecmp + 1] as number) >>> 0;
    return high * 0x1_0000_0000 + low;
  }

  /** A timer that its guest does not listen to needs no waking up for. */
  #publishDeadline(): void {
    const listens = ((this.#csr[CSR.hie] as number) & VSTIP) !== 0;
    const deadline = this.#savedDeadline();
    const known = listens && Number.isSafeInteger(deadline);
    // Meets the load in `sleepDeadline`.
    Atomics.store(this.#deadline, 0, known ? BigInt(deadline) : NO_DEADLINE);
  }

  /** Whether the guest's timer has come due; for a vCPU that nobody has loaded. */
  timerPending(): boolean {
    return this.#ticks() >= this.#savedDeadline();
  }

  #levels(): number {
    let levels = !this.#hartDerives && this.#externalPending() ? VSEIP : 0;
    const timer = !(this.#hartDerives && this.#sstc);
    if (timer && this.#ticks() >= this.#savedDeadline()) levels |= VSTIP;
    return levels;
  }
}
