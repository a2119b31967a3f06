/** The part of system instructions that interpreter functions carry out themselves, before they call out. */
import { addressWithin } from '../../isa/index.ts';
import { CSR_CHANGE } from '../../jit/index.ts';
import { call, type Expr, type FunctionRef, type I64, i32, i64 } from '../../wasm/index.ts';
import { CAUSE } from '../exceptions.ts';
import { FIELD } from '../layout.ts';
import { CALL_RESULT } from './call-outs.ts';
import type { Frame } from './frame.ts';
import { NOT_DONE, savedPc } from './mode-code.ts';
import { SLOT } from './slots.ts';

/** Code that carries out the current instruction, a system instruction, and leaves it; or that goes on behind. */
type SystemCode = (frame: Frame) => void;

function x(frame: Frame, position: number): I64 {
  return i64.load(i32.add(frame.hart, i32.load8_u(frame.slot, position)), FIELD.x);
}

/** A register that holds an address. */
function address(frame: Frame, position: number): I64 {
  return addressWithin(frame.xlen, x(frame, position));
}

/** Leaves the instruction if its function has done it. */
function attempt({ f }: Frame, callee: FunctionRef<'i32'>, ...args: Expr[]): void {
  const status = f.let(call(callee, ...args));
  f.if(i32.ne(status, i32.const(NOT_DONE)), () => f.return(status));
}

/** A guest's call to its hypervisor is not for here. */
const ecall: SystemCode = (frame) => {
  const { f, hart, privileged } = frame;
  const privilege = f.let(i32.load(hart, FIELD.privilege));
  const isGuest = i32.ne(i32.load(hart, FIELD.virtual), i32.const(0));
  f.if(i32.eqz(i32.and(isGuest, privilege)), () => {
    attempt(frame, privileged.trap, hart, i32.add(privilege, i32.const(CAUSE.ecallFromU)), i64.const(0));
  });
};

/** In a guest the address is one of the guest's, which matters to a trap into HS or M only. */
const ebreak: SystemCode = (frame) => {
  const { hart, privileged } = frame;
  attempt(frame, privileged.trap, hart, i32.const(CAUSE.breakpoint), savedPc(hart));
};

const sret: SystemCode = (frame) => attempt(frame, frame.privileged.sret, frame.hart);

const mret: SystemCode = (frame) => attempt(frame, frame.privileged.mret, frame.hart);

/** With x0 the fence is about all addresses. */
const fence: SystemCode = (frame) => {
  const { f, hart, slot, privileged } = frame;
  f.if(i32.load8_u(slot, SLOT.b), () => attempt(frame, privileged.fencePage, hart, address(frame, SLOT.b)));
};

const fenceI: SystemCode = (frame) => attempt(frame, frame.privileged.fenceI, frame.hart);

const zeroBlock: SystemCode = (frame) => {
  const { f, hart, privileged } = frame;
  const block = f.let(address(frame, SLOT.b));
  for (const zero of [privileged.zeroBlock, privileged.zeroUnknownBlock]) {
    f.if(call(zero, hart, block), () => f.return(i32.const(CALL_RESULT.proceed)));
  }
};

/** The slot has the number of the CSR, and above it the immediate. */
function csr(change: number, immediate: boolean): SystemCode {
  return (frame) => {
    const { f, hart, slot, privileged } = frame;
    const number = i32.load16_u(slot, SLOT.c);
    const operand = immediate ? i64.load16_u(slot, SLOT.c + 2) : x(frame, SLOT.b);
    const changes = f.let(i32.const(change));
    if (change !== CSR_CHANGE.write) {
      // x0 and an immediate of 0 change nothing at all.
      const source = immediate ? i32.load16_u(slot, SLOT.c + 2) : i32.load8_u(slot, SLOT.b);
      f.if(i32.eqz(source), () => f.set(changes, i32.const(CSR_CHANGE.none)));
    }
    const rd = i32.load8_u(slot, SLOT.a);
    f.if(call(privileged.csr, hart, number, changes, operand, rd), () =>
      f.return(i32.const(CALL_RESULT.proceed)),
    );
  };
}

const SYSTEM_CODE: ReadonlyMap<string, SystemCode> = new Map([
  ['ecall', ecall],
  ['ebreak', ebreak],
  ['sret', sret],
  ['mret', mret],
  ['sfence.vma', fence],
  ['sinval.vma', fence],
  ['fence.i', fenceI],
  ['cbo.zero', zeroBlock],
  ['csrrw', csr(CSR_CHANGE.write, false)],
  ['csrrs', csr(CSR_CHANGE.set, false)],
  ['csrrc', csr(CSR_CHANGE.clear, false)],
  ['csrrwi', csr(CSR_CHANGE.write, true)],
  ['csrrsi', csr(CSR_CHANGE.set, true)],
  ['csrrci', csr(CSR_CHANGE.clear, true)],
]);

/**
 * Generates the part of a system instruction that needs no TypeScript, for a function of its own: it returns a status
 * when all is done, and goes on behind when nothing is.
 */
export function generateSystem(frame: Frame, instruction: string): void {
  SYSTEM_CODE.get(instruction)?.(frame);
}
