import { type Expr, type I32, type I64, i32, i64, Local, type ValType } from '../wasm/index.ts';
import { emitSemantics } from './emit-semantics.ts';
import type { Instruction } from './instruction.ts';
import type { FloatBits, FloatFormat, FloatSemantics, FloatSource, Semantics } from './semantics.ts';

/** Effects of an instruction besides computing: found by running its semantics once. */
export interface Effects {
  /** It only writes the integer register rd and cannot fail, so that with rd = x0 it does nothing. */
  readonly pure: boolean;
  readonly writesRd: boolean;
  /** Whether it writes a word of RV64 to rd: a number of 32 bits with its sign in all bits above. */
  readonly makesWord: boolean;
  /** The same if the registers that it reads hold words. */
  readonly keepsWords: boolean;
  readonly writesFloatRd: boolean;
  readonly readsRs1: boolean;
  readonly readsRs2: boolean;
  /** It uses the address of itself or of the next instruction; jumps and branches always do. */
  readonly readsPc: boolean;
  readonly loads: boolean;
  /** Includes atomic memory operations and store-conditional. */
  readonly stores: boolean;
  /** Bytes that it loads or stores; 0 for atomic accesses. */
  readonly accessBytes: number;
  /** It loads, stores or orders memory. */
  readonly usesMemory: boolean;
  /** It reads or writes floating-point registers or flags. */
  readonly usesFloat: boolean;
  /** It tells the hart that the code waits. */
  readonly pauses: boolean;
  readonly control: 'none' | 'branch' | 'jump' | 'indirect' | 'system';
  /** The instruction behind it may not be the next one: a branch, jump or system instruction. */
  readonly endsBlock: boolean;
}

type Recording = { -readonly [K in keyof Effects]: Effects[K] };

const known = new Map<Instruction, Effects>();

/** The effects of an instruction. */
export function effectsOf(instruction: Instruction): Effects {
  const cached = known.get(instruction);
  if (cached !== undefined) return cached;
  const effects = record(instruction);
  known.set(instruction, effects);
  return effects;
}

function record(instruction: Instruction): Effects {
  const seen: Recording = {
    pure: false,
    writesRd: false,
    makesWord: false,
    keepsWords: false,
    writesFloatRd: false,
    readsRs1: false,
    readsRs2: false,
    readsPc: false,
    loads: false,
    stores: false,
    accessBytes: 0,
    usesMemory: false,
    usesFloat: false,
    pauses: false,
    control: 'none',
    endsBlock: false,
  };
  const xlen = instruction.xlen ?? 64;
  emitSemantics(instruction, recorder(seen, WORD), xlen);
  seen.keepsWords = seen.makesWord;
  emitSemantics(instruction, recorder(seen, WIDE), xlen);
  seen.usesFloat ||= instruction.needsFloat;
  seen.endsBlock = seen.control !== 'none';
  seen.pure = !(seen.usesMemory || seen.usesFloat || seen.pauses || seen.endsBlock);
  return Object.freeze(seen);
}

/** Stand for any values: of a result no more matters here than whether it is a word. None is a constant. */
const WIDE: I64 = new Local('i64', 0);
const WORD: I64 = i64.extend_i32_s(new Local('i32', 1));
const I32_VALUE: I32 = i32.const(0);

/** A back end that notes the parts that are used. @param register content of registers: {@link WORD} or {@link WIDE} */
function recorder(seen: Recording, register: I64): Semantics {
  return {
    get rs1() {
      seen.readsRs1 = true;
      return register;
    },
    get rs2() {
      seen.readsRs2 = true;
      return register;
    },
    imm: WORD,
    get pc() {
      seen.readsPc = true;
      return WIDE;
    },
    get nextPc() {
      seen.readsPc = true;
      return WIDE;
    },
    rd: {
      value: register,
      set: (value) => {
        seen.writesRd = true;
        seen.makesWord = value.isSignExtended;
      },
    },
    get float() {
      seen.usesFloat = true;
      return floatRecorder(seen);
    },
    memory: memoryRecorder(seen),
    let: <T extends ValType>(value: Expr<T>) => value,
    ...flowRecorder(seen),
  };
}

function memoryRecorder(seen: Recording): Semantics['memory'] {
  const load = (): I64 => {
    seen.loads = true;
    seen.usesMemory = true;
    return WIDE;
  };
  const store = (): void => {
    seen.stores = true;
    seen.usesMemory = true;
  };
  const loadAndStore = (): I64 => {
    store();
    return load();
  };
  return {
    load: (kind) => {
      seen.accessBytes = Number(kind.slice(1)) / 8;
      load();
      return kind === 'i64' || kind === 'u32' ? WIDE : WORD;
    },
    store: (width) => {
      seen.accessBytes = width / 8;
      store();
    },
    amo: loadAndStore,
    compareExchange: loadAndStore,
    loadReserved: load,
    storeConditional: loadAndStore,
    fence: () => {
      seen.usesMemory = true;
    },
  };
}

function flowRecorder(seen: Recording): Pick<Semantics, 'branch' | 'jump' | 'jumpTo' | 'pause' | 'system'> {
  return {
    branch: () => {
      seen.control = 'branch';
      seen.readsPc = true;
    },
    jump: () => {
      seen.control = 'jump';
      seen.readsPc = true;
    },
    jumpTo: () => {
      seen.control = 'indirect';
    },
    pause: () => {
      seen.pauses = true;
    },
    system: () => {
      seen.control = 'system';
    },
  };
}

function floatRecorder(seen: Recording): FloatSemantics {
  const source: FloatSource = { h: I32_VALUE, s: I32_VALUE, d: WIDE, raw: WIDE };
  const setResult = (): void => {
    seen.writesFloatRd = true;
  };
  const values: FloatBits = { h: I32_VALUE, s: I32_VALUE, d: WIDE };
  return {
    rs1: source,
    rs2: source,
    rs3: source,
    rd: { setH: setResult, setS: setResult, setD: setResult },
    arithmetic: (_operation, format) => values[format],
    sqrt: <F extends FloatFormat>(format: F) => values[format],
    fma: <F extends FloatFormat>(format: F) => values[format],
    minmax: (_which, format) => values[format],
    compare: () => I32_VALUE,
    classify: () => I32_VALUE,
    toInteger: () => WIDE,
    fromInteger: (_from, format) => values[format],
    round: (_which, format) => values[format],
    toModularWord: () => WIDE,
    toHalf: () => I32_VALUE,
    fromHalf: (to) => values[to],
    narrow: () => I32_VALUE,
    widen: () => WIDE,
  };
}
