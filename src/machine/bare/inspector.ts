import type { Stage } from '../../debug/page-walk.ts';
import { csrOfRegister, REGISTER } from '../../debug/registers.ts';
import { InstructionCount } from '../../hart/instruction-count.ts';
import { FIELD } from '../../hart/layout.ts';
import { Pmp } from '../../hart/mmu/index.ts';
import { csrNumber, OUTCOME, Privileged, type PrivilegedHooks } from '../../hart/privileged/index.ts';
import { HartState } from '../../hart/state.ts';
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
import type { BarePlan } from '../plan.ts';
import { guestLines } from './guest-lines.ts';

const MACHINE = 3;
/** V in `priv`, as the debug specification places it. */
const VIRTUAL = 4;
const WFI = 0x1050_0073n;
const CSR = {
  mip: number('mip'),
  mie: number('mie'),
  satp: number('satp'),
  vsatp: number('vsatp'),
  hgatp: number('hgatp'),
} as const;

function number(name: string): number {
  return REGISTER.firstCsr + (csrNumber(name) ?? 0);
}

/** The harts of a bare machine. Their registers are in shared memory, which is current while they stand still. */
export function inspectHarts(plan: BarePlan, machine: InspectedMachine): Inspector {
  return new HartInspector(plan, machine);
}

class HartInspector implements Inspector {
  readonly csrs;
  readonly #machine: InspectedMachine;
  readonly #harts: readonly RegisterAccess[];

  constructor(plan: BarePlan, machine: InspectedMachine) {
    this.#machine = machine;
    this.#harts = plan.harts.map((area, index) => accessOf(plan, machine, area, index));
    this.csrs = listCsrs(this.#at(0), () => true);
  }

  name(hart: number): string {
    return `hart ${hart}`;
  }

  state(hart: number): string {
    const { state, privileged } = this.#at(hart);
    const mode = ['U', state.virtual === 0 ? 'S' : 'VS', '?', 'M'][state.privilege] ?? '?';
    const name = state.virtual !== 0 && state.privilege === 0 ? 'VU' : mode;
    const before = this.#machine.readCode(hart, this.#pc(hart) - 4n);
    if (before === WFI && !privileged.wakePending()) return `in wfi, in ${name}-mode`;
    return `running in ${name}-mode`;
  }

  read(hart: number, register: number): bigint | undefined {
    const access = this.#at(hart);
    if (register === REGISTER.pc) return this.#pc(hart);
    if (register === REGISTER.privilege)
      return BigInt(access.state.privilege | (access.state.virtual === 0 ? 0 : VIRTUAL));
    return readRegister(access, register);
  }

  write(hart: number, register: number, value: bigint): boolean {
    const access = this.#at(hart);
    const { state } = access;
    if (register === REGISTER.pc) {
      const [low, high] = splitValue(value, state.xlen);
      state.setPc(low & ~1, high);
      return true;
    }
    if (register === REGISTER.privilege) return this.#writePrivilege(state, Number(value & 7n));
    const written = writeRegister(access, register, value);
    if (written && csrOfRegister(register) !== undefined) this.#machine.changed();
    return written;
  }

  #writePrivilege(state: HartState, value: number): boolean {
    const privilege = value & 3;
    const virtual = (value & VIRTUAL) === 0 ? 0 : 1;
    if (privilege === 2 || (privilege === MACHINE && virtual !== 0)) return false;
    state.privilege = privilege;
    state.virtual = virtual;
    this.#machine.changed();
    return true;
  }

  stages(hart: number): readonly Stage[] {
    const { xlen, privilege, virtual } = this.#at(hart).state;
    if (privilege === MACHINE) return [];
    const atp = (register: number) => this.read(hart, register) ?? 0n;
    if (virtual === 0) return [{ xlen, atp: atp(CSR.satp) }];
    return [
      { xlen, atp: atp(CSR.vsatp) },
      { xlen, atp: atp(CSR.hgatp), guestPhysical: true },
    ];
  }

  settle(): void {}

  prepare(): void {}

  canStep(): boolean {
    return true;
  }

  describePending(hart: number): readonly string[] {
    const pending = this.read(hart, CSR.mip) ?? 0n;
    const enabled = this.read(hart, CSR.mie) ?? 0n;
    return [`${this.name(hart)}: ${describeInterrupts(pending, enabled)}`];
  }

  describeStatistics(): readonly string[] {
    return this.#harts.map(({ state }, hart) => {
      const { retired } = new InstructionCount(state.words);
      return `${this.name(hart)}: ${retired} instructions`;
    });
  }

  #pc(hart: number): bigint {
    const { state } = this.#at(hart);
    return joinHalves(state.pcLow, state.pcHigh, state.xlen);
  }

  #at(hart: number): RegisterAccess {
    const access = this.#harts[hart];
    if (access === undefined) throw new RangeError(`there is no hart ${hart}`);
    return access;
  }
}

function accessOf(plan: BarePlan, machine: InspectedMachine, area: number, hart: number): RegisterAccess {
  const { memory, xlen, extensions, devices } = machine;
  const state = new HartState(memory, area, xlen);
  const platform = {
    ticks: machine.ticks,
    lines: (wanted: number) => linesOf(devices.inputs, hart, wanted),
    guestExternalLines: () => guestLines(plan, devices.interruptFiles, hart),
    interruptFile: (file: number) => devices.interruptFiles?.file(hart, file),
  };
  const options = {
    extensions: hartExtensions('bare', extensions),
    hartId: hart,
    hsHost: false,
    guestExternalInterrupts: plan.aiaGuests ?? 0,
    aia: plan.aia === 'aplic-imsic' ? plan.aia : ('none' as const),
  };
  const privileged = new Privileged(state, platform, hooksFor(state, machine), options);
  return { state, privileged, virtual: 0 };
}

/** A hart's registers change beside it: it looks at them anew when it goes on. */
function hooksFor(state: HartState, { changed }: InspectedMachine): PrivilegedHooks {
  const pmp = new Pmp(state.xlen, () => undefined, state.memory.buffer, state.base + FIELD.protection);
  const count = new InstructionCount(state.words);
  return {
    contextChanged: changed,
    fence: changed,
    fenceI: changed,
    cacheBlock: () => true,
    guestAccess: () => true,
    pmpRead: (csr, out) => void pmp.readCsr(csr, out),
    pmpWrite: (csr, low, high) => {
      pmp.writeCsr(csr, low, high);
      changed();
    },
    retired: (out) => count.readBefore(out),
    reservationHolds: () => false,
    comparePair: () => OUTCOME.again,
    limitRun: () => undefined,
    exitRequested: () => false,
  };
}
