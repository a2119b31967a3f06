import { i64 } from '../wasm/index.ts';
import type { Instruction } from './instruction.ts';
import type { MemorySemantics, Semantics, Xlen } from './semantics.ts';
import { unsignedWord } from './words.ts';

/** Has a back end carry out an instruction as a hart of RV32 or RV64 does. */
export function emitSemantics(instruction: Instruction, backEnd: Semantics, xlen: Xlen): void {
  instruction.semantics(xlen === 64 ? backEnd : withWordRegisters(backEnd), xlen);
}

/** Sign-extends results and zero-extends addresses, so that neither descriptions nor back ends do it. */
function withWordRegisters(backEnd: Semantics): Semantics {
  return {
    get rs1() {
      return backEnd.rs1;
    },
    get rs2() {
      return backEnd.rs2;
    },
    imm: backEnd.imm,
    get pc() {
      return backEnd.pc;
    },
    get nextPc() {
      return backEnd.nextPc;
    },
    rd: {
      get value() {
        return backEnd.rd.value;
      },
      set: (value) => backEnd.rd.set(i64.extend32_s(value)),
    },
    get float() {
      return backEnd.float;
    },
    get memory() {
      return withWordAddresses(backEnd.memory);
    },
    let: backEnd.let,
    branch: backEnd.branch,
    jump: backEnd.jump,
    jumpTo: (target) => backEnd.jumpTo(unsignedWord(target)),
    pause: backEnd.pause,
    system: backEnd.system,
  };
}

function withWordAddresses(memory: MemorySemantics): MemorySemantics {
  return {
    load: (kind, address) => memory.load(kind, unsignedWord(address)),
    store: (width, address, value) => memory.store(width, unsignedWord(address), value),
    amo: (operation, width, address, value) => memory.amo(operation, width, unsignedWord(address), value),
    compareExchange: (width, address, expected, value) =>
      memory.compareExchange(width, unsignedWord(address), expected, value),
    loadReserved: (width, address) => memory.loadReserved(width, unsignedWord(address)),
    storeConditional: (width, address, value) => memory.storeConditional(width, unsignedWord(address), value),
    fence: () => memory.fence(),
  };
}
