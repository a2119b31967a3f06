import { CSR, type CsrField, FIELD } from '../../src/hart/layout.ts';
import type { Platform } from '../../src/hart/platform.ts';
import {
  csrNumber,
  OUTCOME,
  Privileged,
  type PrivilegedHooks,
  type PrivilegedOptions,
  type TrapTarget,
} from '../../src/hart/privileged/index.ts';
import { HartState } from '../../src/hart/state.ts';
import { FILE_BLOCK, InterruptFile } from '../../src/interrupts/interrupt-file.ts';
import {
  createDecoder,
  type Decoded,
  type Extension,
  instructionNamed,
  type Operands,
} from '../../src/isa/index.ts';
import type { Halves } from '../../src/layout/halves.ts';

export const EXTENSIONS: readonly Extension[] = [
  'i',
  'm',
  'a',
  'f',
  'd',
  'c',
  'h',
  'zicsr',
  'zifencei',
  'zicntr',
  'zicbom',
  'zicboz',
  'smnpm',
  'ssnpm',
  'zawrs',
  'zihpm',
  'sscofpmf',
  'sstc',
  'svadu',
  'svinval',
  'svnapot',
  'svpbmt',
];

/** The five modes: privilege and V. */
export const MODES = {
  M: [3, 0],
  HS: [1, 0],
  U: [0, 0],
  VS: [1, 1],
  VU: [0, 1],
} as const;
export type Mode = keyof typeof MODES;

const MASK_64 = (1n << 64n) - 1n;
const decode = createDecoder({ extensions: new Set(EXTENSIONS), xlen: 64 });
const NO_OPERANDS: Operands = { rd: 0, rs1: 0, rs2: 0, rs3: 0, imm: 0, csr: 0, rm: 0 };

const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
const joined = (lowHalf: number, highHalf: number): bigint =>
  (BigInt(highHalf >>> 0) << 32n) | BigInt(lowHalf >>> 0);

/** A privileged hart without an interpreter around it: instructions are handed to it one by one. */
export class PrivilegedBed {
  readonly state: HartState;
  readonly privileged: Privileged;
  /** The time and the lines of the platform. */
  ticks = 0;
  lines = 0;
  /** The lines that the hart has looked for last; undefined if none. */
  wantedLines: number | undefined;
  guestExternalLines = 0;
  /** Interrupt files of an IMSIC: that of machine level, of supervisor level, of guests from 1 on. */
  readonly files: readonly InterruptFile[];
  retired = 0n;
  /** Calls of hooks, in words. */
  readonly calls: string[] = [];
  hookSucceeds = true;
  reservationHolds = true;
  exitRequested = false;
  /** For how long a guest may watch its reservation set. */
  watchTicks = 0;
  /** Called with each look at the clock. */
  onLook: () => void = () => undefined;

  constructor(options: Partial<PrivilegedOptions> = {}, xlen: 32 | 64 = 64) {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    this.files = options.aia === 'aplic-imsic' ? createFiles(2 + (options.guestExternalInterrupts ?? 0)) : [];
    this.state = new HartState(memory, 0, xlen);
    this.privileged = new Privileged(this.state, this.#platform(), this.#hooks(), {
      extensions: new Set(EXTENSIONS),
      hartId: 0,
      ...options,
    });
    this.privileged.reset();
    this.calls.length = 0;
  }

  #platform(): Platform {
    return {
      ticks: () => {
        this.onLook();
        return this.ticks;
      },
      lines: (wanted) => {
        this.wantedLines = wanted;
        const [machine, supervisor] = this.files;
        return this.lines | (machine?.asserts() ? 1 << 11 : 0) | (supervisor?.asserts() ? 1 << 9 : 0);
      },
      guestExternalLines: () => {
        const asserting = this.files.map((file, number) =>
          number > 1 && file.asserts() ? 1 << (number - 1) : 0,
        );
        return asserting.reduce((lines, line) => lines | line, this.guestExternalLines);
      },
      interruptFile: (number) => this.files[number],
      watchTicks: () => this.watchTicks,
    };
  }

  #hooks(): PrivilegedHooks {
    const { calls } = this;
    const pmp = new Map<number, bigint>();
    return {
      contextChanged: () => void calls.push('context'),
      fence: (kind, addressLow, addressHigh, id) =>
        void calls.push(`fence ${kind} ${addressLow} ${addressHigh} ${id}`),
      fenceI: () => void calls.push('fence.i'),
      cacheBlock: (operation, addressLow, addressHigh) => {
        calls.push(`cbo ${operation} ${addressLow} ${addressHigh}`);
        return this.hookSucceeds;
      },
      guestAccess: (decoded) => {
        calls.push(decoded.instruction.name);
        return this.hookSucceeds;
      },
      pmpRead: (csr, out) => assign(out, pmp.get(csr) ?? 0n),
      pmpWrite: (csr, lowHalf, highHalf) => void pmp.set(csr, joined(lowHalf, highHalf)),
      retired: (out) => assign(out, this.retired),
      reservationHolds: () => this.reservationHolds,
      comparePair: () => OUTCOME.again,
      limitRun: () => undefined,
      exitRequested: () => this.exitRequested,
    };
  }

  /** Puts the hart into a mode without a trap or return. */
  enter(mode: Mode): this {
    const [privilege, virtual] = MODES[mode];
    this.privileged.foldFloat();
    this.state.privilege = privilege;
    this.state.virtual = virtual;
    this.privileged.foldFloat();
    return this;
  }

  get mode(): Mode {
    const { privilege, virtual } = this.state;
    const names = Object.keys(MODES) as Mode[];
    const name = names.find((mode) => MODES[mode][0] === privilege && MODES[mode][1] === virtual);
    if (name === undefined) throw new Error(`no mode has privilege ${privilege} and V=${virtual}`);
    return name;
  }

  get pc(): bigint {
    return joined(this.state.pcLow, this.state.pcHigh);
  }

  set pc(value: bigint) {
    this.state.setPc(low(value), high(value));
  }

  x(index: number): bigint {
    return joined(this.state.xLow(index), this.state.xHigh(index));
  }

  setX(index: number, value: bigint): void {
    this.state.setX(index, low(value), high(value));
  }

  /** Reads a CSR without checks. */
  read(name: string): bigint {
    if (!this.privileged.readCsr(number(name))) throw new Error(`the hart has no ${name}`);
    return joined(this.privileged.low, this.privileged.high);
  }

  /** Writes a CSR without checks. */
  write(name: string, value: bigint): void {
    if (!this.privileged.writeCsr(number(name), low(value), high(value))) {
      throw new Error(`the hart has no ${name}`);
    }
  }

  setBits(name: string, bits: bigint): void {
    this.write(name, this.read(name) | bits);
  }

  clearBits(name: string, bits: bigint): void {
    this.write(name, this.read(name) & ~bits & MASK_64);
  }

  /** The stored field behind a CSR. */
  field(name: CsrField): bigint {
    return joined(this.state.csr[CSR[name]] as number, this.state.csr[CSR[name] + 1] as number);
  }

  word(field: keyof typeof FIELD): number {
    return this.state.words[FIELD[field] >> 2] as number;
  }

  setWord(field: keyof typeof FIELD, value: number): void {
    this.state.words[FIELD[field] >> 2] = value;
  }

  decoded(name: string, operands: Partial<Operands> = {}): Decoded {
    const instruction = instructionNamed(name);
    if (instruction === undefined) throw new Error(`no instruction is called ${name}`);
    const bits = (instruction.match | instruction.format.encode({ ...NO_OPERANDS, ...operands })) >>> 0;
    const decoded = decode(bits);
    if (decoded === undefined) throw new Error(`${name} does not decode`);
    return decoded;
  }

  /** Carries an instruction out; the name of its OUTCOME. */
  execute(name: string, operands: Partial<Operands> = {}): keyof typeof OUTCOME {
    const outcome = this.privileged.execute(this.decoded(name, operands));
    this.retired++;
    const names = Object.keys(OUTCOME) as (keyof typeof OUTCOME)[];
    return names[outcome] as keyof typeof OUTCOME;
  }

  /** The cause of the exception that an instruction raises; undefined if it raises none. */
  causeOf(name: string, operands: Partial<Operands> = {}): number | undefined {
    return this.execute(name, operands) === 'exception' ? this.privileged.exception.cause : undefined;
  }

  /** The value that `csrr` reads, or the cause of its exception as a negative number. */
  csrr(name: string | number): bigint {
    const csr = typeof name === 'number' ? name : number(name);
    const cause = this.causeOf('csrrs', { rd: 10, csr });
    return cause === undefined ? this.x(10) : BigInt(-cause);
  }

  /** The cause of the exception of `csrw`; undefined if it succeeds. */
  csrw(name: string | number, value: bigint): number | undefined {
    const csr = typeof name === 'number' ? name : number(name);
    this.setX(11, value);
    return this.causeOf('csrrw', { rs1: 11, csr });
  }

  /** Takes an exception of the given cause at pc. */
  trap(cause: number, details: Partial<Privileged['exception']> = {}): TrapTarget {
    const blank = { tvalLow: 0, tvalHigh: 0, tval2Low: 0, tval2High: 0, tinst: 0, guestVirtual: false };
    Object.assign(this.privileged.exception, blank, details, { cause });
    return this.privileged.enterTrap(this.state.pcLow, this.state.pcHigh);
  }

  takeInterrupt(): TrapTarget | undefined {
    return this.privileged.takeInterrupt();
  }
}

function createFiles(count: number): InterruptFile[] {
  return Array.from({ length: count }, () => {
    return new InterruptFile(FILE_BLOCK.over(new SharedArrayBuffer(FILE_BLOCK.bytes), 0));
  });
}

function assign(out: Halves, value: bigint): void {
  out.low = low(value);
  out.high = high(value);
}

function number(name: string): number {
  const found = csrNumber(name);
  if (found === undefined) throw new Error(`no CSR is called ${name}`);
  return found;
}

/** A word with the given bits set. */
export function bits(...positions: number[]): bigint {
  return positions.reduce((value, position) => value | (1n << BigInt(position)), 0n);
}
