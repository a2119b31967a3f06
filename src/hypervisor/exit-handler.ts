import { CAUSE } from '../hart/exceptions.ts';
import type { Hart } from '../hart/index.ts';
import { CSR, EXIT, type Exit } from '../hart/layout.ts';
import { HSTATUS } from '../hart/privileged/registers.ts';
import { instructionNamed } from '../isa/index.ts';
import type { FirmwareEvent } from './firmware-state.ts';
import { delegateMisaligned, delegatesMisaligned } from './guest-environment.ts';
import { skipsPriorities } from './guest-priorities.ts';
import { dispatchSbi, SbiCall, type SbiDomain } from './sbi/index.ts';
import type { Vcpu } from './vcpu.ts';

/** The one instruction that a guest is stopped at by hstatus.VTW. */
const { match: WFI } = instructionNamed('wfi');
/** With it Linux waits in its spinlocks. */
const { match: WRS_NTO } = instructionNamed('wrs.nto');
/** Guest-page faults cannot come up without G-stage translation; a guest would know them as access faults. */
const AS_ACCESS_FAULT: ReadonlyMap<number, number> = new Map([
  [CAUSE.fetchGuestPageFault, CAUSE.fetchAccess],
  [CAUSE.loadGuestPageFault, CAUSE.loadAccess],
  [CAUSE.storeGuestPageFault, CAUSE.storeAccess],
]);

/** The SBI's firmware events for exceptions that reach the hypervisor. */
const AS_FIRMWARE_EVENT: ReadonlyMap<number, FirmwareEvent> = new Map([
  [CAUSE.loadMisaligned, 'misalignedLoad'],
  [CAUSE.storeMisaligned, 'misalignedStore'],
  [CAUSE.illegalInstruction, 'illegalInstruction'],
]);

/** The guest's next step after an exit. */
export type ExitOutcome = 'go on' | 'relax' | 'sleep' | 'suspend' | 'stop';

/** Answers the exits of guests from one hart: SBI calls, waiting, exceptions. */
export class ExitHandler {
  readonly #hart: Hart;
  readonly #domain: SbiDomain;

  constructor(hart: Hart, domain: SbiDomain) {
    this.#hart = hart;
    this.#domain = domain;
  }

  /** @param exit why the guest was left */
  handle(vcpu: Vcpu, exit: Exit): ExitOutcome {
    if (exit !== EXIT.trap) {
      vcpu.count('exitYield');
      this.#hart.interruptGuest();
      return this.#hart.pausedOften ? 'relax' : 'go on';
    }
    const { csr } = this.#hart.state;
    const cause = csr[CSR.scause] as number;
    switch (cause) {
      case CAUSE.ecallFromVs:
        return this.#sbi(vcpu);
      case CAUSE.virtualInstruction:
        return this.#virtualInstruction(vcpu);
      default:
        vcpu.count('exitOther');
        // A host interrupt needs nothing but the exit.
        if (!this.#isInterrupt(cause)) this.#reflect(vcpu, AS_ACCESS_FAULT.get(cause) ?? cause);
        return 'go on';
    }
  }

  /** The uppermost bit of scause, whose low half this is. */
  #isInterrupt(cause: number): boolean {
    const { xlen, csr } = this.#hart.state;
    return (xlen === 64 ? (csr[CSR.scause + 1] as number) : cause) < 0;
  }

  /**
   * Gives the guest an exception. One that it did not want to handle itself is a misaligned access that cannot be
   * carried out in parts (the hart does all others): it gets it all the same, as firmware would do.
   */
  #reflect(vcpu: Vcpu, cause: number): void {
    const event = AS_FIRMWARE_EVENT.get(cause);
    if (event !== undefined) vcpu.firmware.count(event);
    const delegated = delegatesMisaligned(this.#hart);
    delegateMisaligned(this.#hart, true);
    this.#hart.reflectToGuest(cause);
    delegateMisaligned(this.#hart, delegated);
  }

  #sbi(vcpu: Vcpu): ExitOutcome {
    vcpu.count('exitSbi');
    const { state } = this.#hart;
    this.#skip(4);
    const call = new SbiCall(this.#hart, vcpu, this.#domain);
    dispatchSbi(call);
    if (call.outcome === 'stop') return 'stop';
    if (call.outcome === 'repeat') {
      this.#skip(-4);
      return 'relax';
    }
    if (call.returns) {
      state.setX(10, call.error, call.error < 0 ? -1 : 0);
      state.setX(11, call.valueLow, call.valueHigh);
    }
    return call.outcome === 'return' ? 'go on' : call.outcome;
  }

  #virtualInstruction(vcpu: Vcpu): ExitOutcome {
    const { csr } = this.#hart.state;
    // The trap came from VS-mode, not VU-mode.
    const fromSupervisor = ((csr[CSR.hstatus] as number) & HSTATUS.spvp) !== 0;
    if (csr[CSR.stval] === WFI && fromSupervisor) {
      vcpu.count('exitWfi');
      this.#skip(4);
      return 'sleep';
    }
    vcpu.count('exitVirtual');
    if (csr[CSR.stval] === WRS_NTO) {
      this.#skip(4);
      return 'relax';
    }
    if (fromSupervisor && skipsPriorities(this.#hart)) {
      this.#skip(4);
      return 'go on';
    }
    // A hart without the hypervisor extension does not have this instruction.
    this.#reflect(vcpu, CAUSE.illegalInstruction);
    return 'go on';
  }

  #skip(bytes: number): void {
    const { csr, upper } = this.#hart.state;
    const sum = ((csr[CSR.sepc] as number) >>> 0) + bytes;
    const carry = Math.floor(sum / 2 ** 32);
    if (carry !== 0) csr[CSR.sepc + 1] = ((csr[CSR.sepc + 1] as number) + carry) & upper;
    csr[CSR.sepc] = sum | 0;
  }
}
