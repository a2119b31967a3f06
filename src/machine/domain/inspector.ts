import type { Stage } from '../../debug/page-walk.ts';
import { csrOfRegister, REGISTER } from '../../debug/registers.ts';
import type { Action } from '../../debug/target.ts';
import { CSR, FIELD, HART_BYTES } from '../../hart/layout.ts';
import { csrNumber, OUTCOME, Privileged } from '../../hart/privileged/index.ts';
import { INTERRUPT, STATUS } from '../../hart/privileged/registers.ts';
import { HartState } from '../../hart/state.ts';
import { openToGuests } from '../../hypervisor/guest-environment.ts';
import type { Scheduler } from '../../hypervisor/scheduler.ts';
import type { Vcpu } from '../../hypervisor/vcpu.ts';
import { HSM, STAT } from '../../hypervisor/vcpu-layout.ts';
import { IRQ_VS_SOFT } from '../../interrupts/numbers.ts';
import { vlenOf } from '../../isa/extensions.ts';
import type { DebugWords } from '../debug/debug-words.ts';
import { type InspectedMachine, type Inspector, joinHalves, splitValue } from '../debug/inspector.ts';
import {
  describeInterrupts,
  listCsrs,
  type RegisterAccess,
  readRegister,
  writeRegister,
} from '../debug/register-access.ts';
import { linesOf } from '../devices.ts';
import { hartExtensions } from '../extensions.ts';
import type { DomainPlan } from '../plan.ts';

const WASM_PAGE = 0x1_0000;
/** The supervisor external interrupt, as the lines of devices have it. */
const EXTERNAL = 1 << 9;
/** The interrupt file of guest external interrupt 1 is that of the vCPU. */
const GUEST_FILE = 2;
const SIP = csrNumber('sip') ?? 0;
const SIE = csrNumber('sie') ?? 0;
const SATP = csrNumber('satp') ?? 0;
const SSIP = 2n;

/** The parts of a domain that its owner has, for a debugger. */
export interface InspectedDomain {
  readonly plan: DomainPlan;
  readonly vcpus: readonly Vcpu[];
  readonly scheduler: Scheduler;
  readonly debug: DebugWords;
}

/**
 * The vCPUs of a domain, with the view of their guest: the registers of VS-mode are its supervisor registers. While the
 * domain stands still every vCPU is saved. To look at one, it is put into a hart that does nothing else.
 */
export function inspectVcpus(domain: InspectedDomain, machine: InspectedMachine): Inspector {
  return new VcpuInspector(domain, machine);
}

class VcpuInspector implements Inspector {
  readonly csrs;
  readonly #domain: InspectedDomain;
  readonly #machine: InspectedMachine;
  readonly #hart: RegisterAccess;
  #shown = 0;

  constructor(domain: InspectedDomain, machine: InspectedMachine) {
    this.#domain = domain;
    this.#machine = machine;
    this.#hart = this.#createHart();
    this.#show(0);
    this.csrs = listCsrs(this.#hart, isGuests);
  }

  name(vcpu: number): string {
    return `vCPU ${vcpu}`;
  }

  state(vcpu: number): string {
    const each = this.#at(vcpu);
    switch (each.hsm) {
      case HSM.stopped:
      case HSM.stopPending:
        return 'halted: not started, or stopped by itself';
      case HSM.suspended:
        return 'suspended';
      default:
        return each.waiting ? 'in wfi' : `running in ${this.#privilege(vcpu) === 0 ? 'U' : 'S'}-mode`;
    }
  }

  read(vcpu: number, register: number): bigint | undefined {
    const { csr, xlen } = this.#show(vcpu).state;
    if (register === REGISTER.pc)
      return joinHalves(csr[CSR.sepc] as number, csr[CSR.sepc + 1] as number, xlen);
    if (register === REGISTER.privilege) return BigInt(this.#privilege(vcpu));
    const number = csrOfRegister(register);
    if (number !== undefined && !isGuests(number)) return undefined;
    if (number === SIP) this.#showPending(vcpu);
    return readRegister(this.#hart, register);
  }

  write(vcpu: number, register: number, value: bigint): boolean {
    const { state } = this.#show(vcpu);
    const number = csrOfRegister(register);
    if (number === SIP) return this.#writePending(vcpu, value);
    if (register === REGISTER.pc) {
      const [low, high] = splitValue(value, state.xlen);
      state.csr[CSR.sepc] = low & ~1;
      state.csr[CSR.sepc + 1] = high & state.upper;
    } else if (register === REGISTER.privilege) {
      if (value > 1n) return false;
      const status = (state.csr[CSR.mstatus] as number) & ~STATUS.spp;
      state.csr[CSR.mstatus] = status | (value === 0n ? 0 : STATUS.spp);
    } else if (number !== undefined && !isGuests(number)) {
      return false;
    } else if (!writeRegister(this.#hart, register, value)) {
      return false;
    }
    this.#at(vcpu).save(this.#hart);
    if (number !== undefined || register === REGISTER.privilege) this.#machine.changed();
    return true;
  }

  stages(vcpu: number): readonly Stage[] {
    return [{ xlen: this.#machine.xlen, atp: this.read(vcpu, REGISTER.firstCsr + SATP) ?? 0n }];
  }

  prepare(vcpu: number, action: Action): void {
    const each = this.#at(vcpu);
    this.#startPending(each);
    // A step of one that waits is a step from where it would go on.
    if (action === 'step' && each.waiting) {
      each.waiting = false;
      each.kick();
    }
  }

  /**
   * A vCPU that is runnable is on the run queue, whether or not a debugger holds it: so a machine that is saved has it.
   */
  settle(): void {
    for (const [vcpu, processor] of this.#domain.debug.processors.entries()) {
      if (processor.unpark()) this.#domain.scheduler.enqueue(vcpu);
    }
  }

  canStep(vcpu: number): boolean {
    const { hsm } = this.#at(vcpu);
    return hsm !== HSM.stopped && hsm !== HSM.stopPending;
  }

  describePending(vcpu: number): readonly string[] {
    const pending = this.#pending(vcpu);
    const enabled = this.read(vcpu, REGISTER.firstCsr + SIE) ?? 0n;
    const isOn = ((this.#show(vcpu).state.csr[CSR.vsstatus] as number) & STATUS.sie) !== 0;
    const lines = describeInterrupts(toGuest(pending), enabled);
    return [`${this.name(vcpu)}: ${lines}; sstatus.SIE is ${isOn ? 1 : 0}`];
  }

  describeStatistics(): readonly string[] {
    return this.#domain.vcpus.map((vcpu) => {
      const counters = STAT.map((name) => `${name} ${vcpu.stat(name)}`);
      return `${this.name(vcpu.index)}: ${counters.join(', ')}`;
    });
  }

  #privilege(vcpu: number): number {
    return ((this.#show(vcpu).state.csr[CSR.mstatus] as number) >> STATUS.sppShift) & 1;
  }

  /** Puts a vCPU's registers into the hart that shows them. */
  #show(vcpu: number): RegisterAccess {
    const each = this.#at(vcpu);
    this.#startPending(each);
    this.#shown = vcpu;
    each.showRegisters(this.#hart);
    return this.#hart;
  }

  /** One that is about to start is where it will start. */
  #startPending(vcpu: Vcpu): void {
    if (vcpu.changeHsm(HSM.startPending, HSM.started)) vcpu.applyStart();
  }

  /** Pending interrupts with their numbers in hvip. */
  #pending(vcpu: number): bigint {
    const { lo, hi } = this.#at(vcpu).interrupts.peekPending();
    const external = this.#externalPending(vcpu) ? INTERRUPT.vsei : 0;
    const timer = this.#at(vcpu).timerPending() ? INTERRUPT.vsti : 0;
    return joinHalves(lo | external | timer, hi, 64);
  }

  #externalPending(vcpu: number): boolean {
    return linesOf(this.#machine.devices.inputs, vcpu, EXTERNAL) !== 0;
  }

  #showPending(vcpu: number): void {
    const { csr } = this.#hart.state;
    const [low, high] = splitValue(this.#pending(vcpu), 64);
    csr[CSR.hvip] = low;
    csr[CSR.hvip + 1] = high;
  }

  /** Only the software interrupt is the guest's to write. */
  #writePending(vcpu: number, value: bigint): boolean {
    const { interrupts } = this.#at(vcpu);
    if ((value & SSIP) !== 0n) interrupts.setInterrupt(IRQ_VS_SOFT);
    else {
      interrupts.unsetInterrupt(IRQ_VS_SOFT);
      interrupts.forgetSaved(IRQ_VS_SOFT);
    }
    return true;
  }

  #at(vcpu: number): Vcpu {
    const each = this.#domain.vcpus[vcpu];
    if (each === undefined) throw new RangeError(`there is no vCPU ${vcpu}`);
    return each;
  }

  #createHart(): RegisterAccess {
    const { xlen, extensions, devices, ticks } = this.#machine;
    const pages = Math.ceil(HART_BYTES / WASM_PAGE);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const state = new HartState(memory, 0, xlen);
    state.words[FIELD.hsHost >> 2] = 1;
    state.words[FIELD.vlenb >> 2] = vlenOf(extensions) / 8;
    const platform = {
      ticks,
      lines: () => 0,
      guestExternalLines: () => (this.#externalPending(this.#shown) ? 2 : 0),
      interruptFile: (file: number) =>
        file === GUEST_FILE ? devices.interruptFiles?.file(this.#shown, 0) : undefined,
    };
    const { aia } = this.#domain.plan;
    const privileged = new Privileged(state, platform, IDLE_HOOKS, {
      extensions: hartExtensions('domain', extensions),
      hartId: 0,
      hsHost: true,
      guestExternalInterrupts: 1,
      aia: aia === 'aplic-imsic' ? aia : 'none',
    });
    privileged.reset();
    openToGuests({ privileged }, true);
    return { state, privileged, virtual: 1 };
  }
}

/** CSRs of user and supervisor level. */
function isGuests(number: number): boolean {
  return ((number >>> 8) & 3) <= 1;
}

/** From the positions of hvip to those of sip: interrupts of VS-level are one lower there. */
function toGuest(pending: bigint): bigint {
  const ofVs = BigInt(INTERRUPT.vssi | INTERRUPT.vsti | INTERRUPT.vsei);
  return (pending & ~ofVs) | ((pending & ofVs) >> 1n);
}

const IDLE_HOOKS = {
  contextChanged: () => undefined,
  fence: () => undefined,
  fenceI: () => undefined,
  cacheBlock: () => true,
  guestAccess: () => true,
  pmpRead: () => undefined,
  pmpWrite: () => undefined,
  retired: (out: { low: number; high: number }) => {
    out.low = 0;
    out.high = 0;
  },
  reservationHolds: () => false,
  comparePair: () => OUTCOME.again,
  limitRun: () => undefined,
  exitRequested: () => false,
};
