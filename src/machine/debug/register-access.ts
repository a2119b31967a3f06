import { csrOfRegister, REGISTER, vectorOfRegister } from '../../debug/registers.ts';
import type { CsrFact } from '../../debug/target.ts';
import { FIELD } from '../../hart/layout.ts';
import { csrName, type Privileged } from '../../hart/privileged/index.ts';
import type { HartState } from '../../hart/state.ts';
import { joinHalves, splitValue } from './inspector.ts';

/** Registers of a hart that stands still, or of one that only shows those of a vCPU. */
export interface RegisterAccess {
  readonly state: HartState;
  readonly privileged: Privileged;
  /** 1: CSRs are those that a guest means by their numbers. */
  readonly virtual: 0 | 1;
}

/** The bytes of a vector register; undefined for other registers, and where there are none. */
function vectorBytes({ state }: RegisterAccess, register: number): Uint8Array | undefined {
  const number = vectorOfRegister(register);
  const vlenb = state.words[FIELD.vlenb >> 2] as number;
  if (number === undefined || vlenb === 0) return undefined;
  return new Uint8Array(state.memory.buffer, state.base + FIELD.v + number * vlenb, vlenb);
}

/** The x, f, v and control and status registers; undefined for others. pc and the privilege are not among them. */
export function readRegister(access: RegisterAccess, register: number): bigint | undefined {
  const { state, privileged, virtual } = access;
  if (register < REGISTER.pc) return joinHalves(state.xLow(register), state.xHigh(register), state.xlen);
  const float = register - REGISTER.firstFloat;
  if (float >= 0 && register < REGISTER.firstCsr)
    return joinHalves(state.f[2 * float] as number, state.f[2 * float + 1] as number, 64);
  const vector = vectorBytes(access, register);
  if (vector !== undefined) return vector.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const csr = csrOfRegister(register);
  if (csr === undefined || !privileged.readCsr(csr, virtual)) return undefined;
  return joinHalves(privileged.low, privileged.high, state.xlen);
}

/** @returns false for registers that cannot be written */
export function writeRegister(access: RegisterAccess, register: number, value: bigint): boolean {
  const { state, privileged, virtual } = access;
  if (register < REGISTER.pc) {
    state.setX(register, ...splitValue(value, state.xlen));
    return true;
  }
  const float = register - REGISTER.firstFloat;
  if (float >= 0 && register < REGISTER.firstCsr) {
    state.f.set(splitValue(value, 64), 2 * float);
    return true;
  }
  const vector = vectorBytes(access, register);
  if (vector !== undefined) {
    for (const index of vector.keys()) vector[index] = Number((value >> BigInt(8 * index)) & 0xffn);
    return true;
  }
  const csr = csrOfRegister(register);
  if (csr === undefined || isReadOnly(csr)) return false;
  const [low, high] = splitValue(value, state.xlen);
  return privileged.writeCsr(csr, low, state.xlen === 64 ? high : 0, virtual);
}

function isReadOnly(csr: number): boolean {
  return csr >>> 10 === 3;
}

/** The CSRs that there are, of those that `isOwn` lets through. */
export function listCsrs(access: RegisterAccess, isOwn: (number: number) => boolean): readonly CsrFact[] {
  const facts: CsrFact[] = [];
  for (let number = 0; number < 4096; number++) {
    const name = csrName(number);
    if (name !== undefined && isOwn(number) && access.privileged.readCsr(number, access.virtual))
      facts.push({ number, name });
  }
  return facts;
}

/** The interrupts of sip and mip that have names, by their number (privileged specification, "mip and mie"). */
const INTERRUPT_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'supervisor software'],
  [2, 'VS software'],
  [3, 'machine software'],
  [5, 'supervisor timer'],
  [6, 'VS timer'],
  [7, 'machine timer'],
  [9, 'supervisor external'],
  [10, 'VS external'],
  [11, 'machine external'],
  [12, 'guest external'],
  [13, 'counter overflow'],
  [35, 'reliability (low)'],
  [43, 'reliability (high)'],
]);

/** For people: which interrupts are pending, and whether each of them is enabled. */
export function describeInterrupts(pending: bigint, enabled: bigint): string {
  const parts: string[] = [];
  for (let number = 0; number < 64; number++) {
    if (((pending >> BigInt(number)) & 1n) === 0n) continue;
    const isEnabled = ((enabled >> BigInt(number)) & 1n) !== 0n;
    const name = INTERRUPT_NAMES.get(number) ?? 'interrupt';
    parts.push(`${name} (${number}), ${isEnabled ? 'enabled' : 'not enabled'}`);
  }
  return parts.length === 0 ? 'nothing is pending' : parts.join('; ');
}
