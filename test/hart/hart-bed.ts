import { EXCLUSION } from '../../src/hart/exclusion.ts';
import {
  type DeviceSpace,
  EXIT,
  type Exit,
  generateInterpreter,
  Hart,
  type HartOptions,
  hartAreaBytes,
  LockstepHart,
  type Platform,
} from '../../src/hart/index.ts';
import { CSR, type CsrField } from '../../src/hart/layout.ts';
import { csrName, csrNumber } from '../../src/hart/privileged/index.ts';
import { FILE_BLOCK, InterruptFile } from '../../src/interrupts/interrupt-file.ts';
import { assemble, type Extension, registerNumber, type Xlen } from '../../src/isa/index.ts';
import { possibleExtensions } from '../../src/machine/extensions.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { EXTENSIONS as PRIVILEGED_EXTENSIONS } from './privileged-bed.ts';

export const RAM = 0x8000_0000;
export const PAGE = 0x1000;
/** A store here ends {@link HartBed.finish}: the value stored is the result. */
export const FINISHER = 0x10_0000;
/** Stores to here ask the hart to leave `run`. */
export const DEVICE = 0x20_0000;

/** Extensions of a bed's hart unless more are given. */
export const EXTENSIONS: readonly Extension[] = [
  ...PRIVILEGED_EXTENSIONS,
  'zba',
  'zbb',
  'zbs',
  'zihintpause',
];
const PAGES_64K = 65536;
/**
 * Where the exit-request word, the words of exclusion, interrupt files and the hart's area lie, from where the bed
 * begins in linear memory.
 */
export const EXIT_REQUEST = 64;
export const EXCLUSION_AT = 0x80;
const FILES = 0x400;
const AREA = 0x1000;

/** Page table entry bits. */
export const PTE = { v: 1, r: 2, w: 4, x: 8, u: 16, a: 64, d: 128, rwx: 14, all: 0xcf } as const;

const compiled = new Map<Xlen, WebAssembly.Module>();

/** The interpreter of a width, compiled once per test file. */
export function interpreter(xlen: Xlen = 64): WebAssembly.Module {
  const known = compiled.get(xlen);
  if (known !== undefined) return known;
  const made = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: PAGES_64K }, xlen));
  compiled.set(xlen, made);
  return made;
}

const CSR_NUMBERS: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 4096 }, (_, number) => [csrName(number), number] as const).flatMap(([name, number]) =>
    name === undefined ? [] : [[name, number] as const],
  ),
);

/** How a bed's hart carries out code: also compiled, or both ways at once, which must come to the same. */
export type BedEngine = 'interp' | 'jit' | 'lockstep';

/** Beds that do not say otherwise have this engine, so that all programs can be run on each. */
const DEFAULT_BED_ENGINE: BedEngine = process.env.HART_BED_ENGINE === 'jit' ? 'jit' : 'interp';
/** Beds that do not say otherwise begin here in linear memory, so that all programs can be run high up in it. */
const DEFAULT_BED_ORIGIN = Number(process.env.HART_BED_ORIGIN ?? 0);
/** Instructions between two samples of code to compile, where it is compiled at once. */
const SHORT_CHUNK = 24;

export interface HartBedOptions {
  /** Width of the hart, 64 unless given. */
  readonly xlen?: Xlen;
  readonly engine?: BedEngine;
  /** More extensions of the hart. */
  readonly extensions?: readonly Extension[];
  /** Is told of each compiled region. */
  readonly onRegion?: NonNullable<HartOptions['onRegion']>;
  /** Is told of code that does not compile, which is a failure unless this is given. */
  readonly onRefused?: (text: string) => void;
  /** Bytes that compiled code may take. */
  readonly codeBytes?: number;
  /** Where regions began in the life of another hart. */
  readonly hot?: Uint32Array;
  /** Samples after which code is compiled; 1 unless given. */
  readonly compileAfter?: number;
  readonly hsHost?: boolean;
  readonly codePages?: number;
  /** Bytes of RAM; 2 MiB unless given. */
  readonly ramBytes?: number;
  /** The interrupt file whose page begins at an address. */
  readonly messagePort?: DeviceSpace['messagePort'];
  readonly guestExternalInterrupts?: number;
  /** Smaia and Ssaia, with interrupt files for M-mode, S-mode and the first guest; none unless given. */
  readonly aia?: boolean;
  /** Harts that share the memory, 1 unless given, and which one of them this is. */
  readonly harts?: number;
  readonly index?: number;
  /** Instead of {@link interpreter}. */
  readonly interpreter?: WebAssembly.Module;
  /** The memory of the other harts, with what they have in RAM. */
  readonly memory?: WebAssembly.Memory;
  /**
   * Where everything of the bed begins in linear memory, which is not used below: a multiple of 4096; 0 unless given.
   */
  readonly origin?: number;
}

/** An access that reached a device. */
export interface DeviceAccess {
  readonly kind: 'read' | 'write';
  readonly address: number;
  readonly width: number;
  readonly low: number;
  readonly high: number;
}

/** A whole hart with RAM at {@link RAM} and a device page at {@link DEVICE}; programs are given in assembly. */
export class HartBed {
  readonly memory: WebAssembly.Memory;
  readonly hart: Hart;
  readonly engine: BedEngine;
  /** Where the bed begins in linear memory. */
  readonly origin: number;
  readonly ramBytes: number;
  /** Where RAM begins in linear memory. */
  readonly ramOffset: number;
  /** Where the hart's area begins and ends in linear memory. */
  readonly area: number;
  readonly areaEnd: number;
  readonly bytes: Uint8Array;
  /** Accesses to the device page. */
  readonly accesses: DeviceAccess[] = [];
  /** The value that reads of the device give. */
  deviceLow = 0;
  deviceHigh = 0;
  ticks = 0;
  lines = 0;
  guestExternalLines = 0;
  /** Interrupt files, as the platform numbers them; none without the AIA. */
  readonly files: readonly InterruptFile[];
  /** Ticks at which a run shall end. */
  runEnd = Number.POSITIVE_INFINITY;
  /** Whether a run that was asked to end is only to look at interrupts. */
  takeLook: () => boolean = () => false;
  /** The value that was stored to {@link FINISHER}. */
  result: number | undefined;
  symbols: ReadonlyMap<string, bigint> = new Map();
  readonly #view: DataView;
  readonly #exitRequest: Int32Array;
  readonly #xlen: Xlen;

  constructor(options: HartBedOptions = {}) {
    const { codePages = 32, ramBytes = 2 << 20, hsHost = false, guestExternalInterrupts = 0 } = options;
    const { harts = 1, index = 0 } = options;
    this.#xlen = options.xlen ?? 64;
    const areaBytes = Math.ceil(hartAreaBytes(codePages) / 64) * 64;
    this.origin = options.origin ?? DEFAULT_BED_ORIGIN;
    const exitRequest = this.origin + EXIT_REQUEST + index * 4;
    this.ramBytes = ramBytes;
    this.area = this.origin + AREA + index * areaBytes;
    this.areaEnd = this.origin + AREA + harts * areaBytes;
    // A page of canary on both sides of RAM.
    this.ramOffset = Math.ceil(this.areaEnd / PAGE) * PAGE + PAGE;
    const pages = Math.ceil((this.ramOffset + ramBytes + PAGE) / PAGES_64K);
    this.memory = options.memory ?? new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
    this.#exitRequest = new Int32Array(this.memory.buffer, exitRequest, 1);
    this.engine = options.engine ?? DEFAULT_BED_ENGINE;
    this.files = [0, 1, 2].flatMap((number) => (options.aia === true ? [this.#file(number)] : []));
    this.hart = this.#newHart({
      ...(options.onRegion === undefined ? {} : { onRegion: options.onRegion }),
      hot: options.hot,
      ...(options.codeBytes === undefined ? {} : { codeBytes: options.codeBytes }),
      onRefused: options.onRefused ?? fail,
      compileAfter: options.compileAfter ?? 1,
      xlen: this.#xlen,
      interpreter: options.interpreter ?? interpreter(this.#xlen),
      area: this.area,
      codePages,
      ram: new GuestMemory(this.memory, { base: RAM, size: ramBytes, offset: this.ramOffset }),
      devices: this.#devices(options.messagePort),
      platform: this.#platform(),
      extensions: this.#extensions(options.extensions),
      hartId: index,
      hsHost,
      guestExternalInterrupts,
      ...(options.aia === true ? { aia: 'aplic-imsic' as const } : {}),
      exitRequest,
      exclusion: this.origin + EXCLUSION_AT,
    });
    for (const [number, { place }] of this.files.entries()) this.hart.useInterruptFile(number, place);
    this.pc = BigInt(RAM);
  }

  #file(number: number): InterruptFile {
    const at = this.origin + FILES + number * FILE_BLOCK.bytes;
    return new InterruptFile(FILE_BLOCK.over(this.memory.buffer, at));
  }

  /** The lines of the files that are not guests', as bits of mip. */
  get #fileLines(): number {
    const [machine, supervisor] = this.files.map((file) => file.asserts());
    return (machine === true ? 1 << 11 : 0) | (supervisor === true ? 1 << 9 : 0);
  }

  #newHart(options: HartOptions): Hart {
    const { engine } = this;
    if (engine !== 'lockstep') return new Hart({ ...options, compile: engine === 'jit' });
    const lockstep = {
      onDifference: (report: string) => {
        throw new Error(report);
      },
      slice: SHORT_CHUNK,
      memoryInterval: 0,
    };
    return new LockstepHart(options, lockstep);
  }

  /** Does something to the hart, or to both that run in lock step. */
  both(action: (hart: Hart) => void): this {
    this.hart.both(action);
    return this;
  }

  /** Assembles `source` at a physical address, the start of RAM unless given. Its symbols are added to `symbols`. */
  load(source: string, address = RAM): this {
    const { bytes, symbols } = assemble(source, {
      xlen: this.#xlen,
      origin: BigInt(address),
      csrs: CSR_NUMBERS,
    });
    this.bytes.set(bytes, this.hostOf(address));
    this.symbols = new Map([...this.symbols, ...symbols]);
    return this;
  }

  /** Runs until the program stores to {@link FINISHER}. @returns what it stored */
  finish(limit = 200_000): number {
    this.result = undefined;
    const start = this.hart.instructions;
    for (let runs = 0; runs < limit; runs++) {
      this.run(this.engine === 'jit' ? SHORT_CHUNK : 10_000);
      this.askToLeave(0);
      if (this.result !== undefined) return this.result;
      if (this.hart.instructions - start > limit) break;
    }
    throw new Error(`the program did not end; pc 0x${this.pc.toString(16)}, mcause ${this.csr('mcause')}`);
  }

  run(fuel: number): Exit {
    // Tests write to memory as they like.
    if (this.hart instanceof LockstepHart) this.hart.copyMemory();
    return this.hart.run(fuel);
  }

  /** How many other harts work in memory, as this one takes it. */
  set others(count: number) {
    const words = EXCLUSION.over(this.memory.buffer, this.origin + EXCLUSION_AT);
    Atomics.store(words, EXCLUSION.word.inside, count);
  }

  askToLeave(value = 1): void {
    Atomics.store(this.#exitRequest, 0, value);
  }

  /** Address in linear memory of a physical address in RAM. */
  hostOf(address: number): number {
    return address - RAM + this.ramOffset;
  }

  symbol(name: string): number {
    const value = this.symbols.get(name);
    if (value === undefined) throw new Error(`no symbol ${name}`);
    return Number(value);
  }

  /** A register by its name, unsigned. */
  x(name: string): bigint {
    const index = registerNumber('x', name);
    if (index === undefined) throw new Error(`no register ${name}`);
    return joined(this.hart.state.xLow(index), this.hart.state.xHigh(index));
  }

  setX(name: string, value: bigint): void {
    const index = registerNumber('x', name);
    if (index === undefined) throw new Error(`no register ${name}`);
    this.hart.state.setX(index, ...halves(value));
  }

  get pc(): bigint {
    return joined(this.hart.state.pcLow, this.hart.state.pcHigh);
  }

  set pc(value: bigint) {
    this.hart.state.setPc(...halves(value));
  }

  /** The stored value of a CSR. */
  raw(name: CsrField): bigint {
    const { csr } = this.hart.state;
    return joined(csr[CSR[name]] ?? 0, csr[CSR[name] + 1] ?? 0);
  }

  csr(name: string): bigint {
    const { privileged } = this.hart;
    if (!privileged.readCsr(numberOf(name))) throw new Error(`no CSR ${name}`);
    return joined(privileged.low, privileged.high);
  }

  setCsr(name: string, value: bigint): void {
    this.both(({ privileged }) => {
      if (!privileged.writeCsr(numberOf(name), ...halves(value))) throw new Error(`no CSR ${name}`);
    });
  }

  read64(address: number): bigint {
    return this.#view.getBigUint64(this.hostOf(address), true);
  }

  write64(address: number, value: bigint): void {
    this.#view.setBigUint64(this.hostOf(address), BigInt.asUintN(64, value), true);
  }

  write32(address: number, value: number): void {
    this.#view.setInt32(this.hostOf(address), value, true);
  }

  write16(address: number, value: number): void {
    this.#view.setInt16(this.hostOf(address), value, true);
  }

  /** Enters a page table entry: `target` is a physical address. */
  setEntry(table: number, index: number, target: number, flags: number): void {
    this.write64(table + index * 8, (BigInt(target >>> 12) << 10n) | BigInt(flags));
  }

  #devices(messagePort: DeviceSpace['messagePort'] = () => undefined): DeviceSpace {
    const bed = this;
    return {
      messagePort,
      read: (address, width) => {
        if (address < DEVICE || address >= DEVICE + PAGE) return false;
        bed.accesses.push({ kind: 'read', address, width, low: bed.deviceLow, high: bed.deviceHigh });
        return true;
      },
      write: (address, width, low, high) => {
        if (address === FINISHER) {
          bed.result = low;
          bed.askToLeave();
          return true;
        }
        if (address < DEVICE || address >= DEVICE + PAGE) return false;
        bed.accesses.push({ kind: 'write', address, width, low, high });
        return true;
      },
      get low() {
        return bed.deviceLow;
      },
      get high() {
        return bed.deviceHigh;
      },
    };
  }

  /** Those that harts of this width can have. */
  #extensions(more: readonly Extension[] = []): ReadonlySet<Extension> {
    const possible = possibleExtensions(this.#xlen);
    return new Set([...EXTENSIONS, ...more].filter((name) => possible.includes(name)));
  }

  #platform(): Platform {
    return {
      ticks: () => this.ticks,
      lines: () => this.lines | this.#fileLines,
      guestExternalLines: () => this.guestExternalLines | (this.files[2]?.asserts() === true ? 2 : 0),
      interruptFile: (number) => this.files[number],
      takeLook: () => this.takeLook(),
      runEnd: () => this.runEnd,
    };
  }
}

function fail(text: string): never {
  throw new Error(text);
}

function numberOf(name: string): number {
  const number = csrNumber(name);
  if (number === undefined) throw new Error(`no CSR ${name}`);
  return number;
}

/** Ends a program with the value of a0. */
export const FINISH = `
  li t6, ${FINISHER}
  sw a0, (t6)
1: j 1b
`;

export const joined = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

export const halves = (value: bigint): [low: number, high: number] => [
  Number(BigInt.asIntN(32, value)),
  Number(BigInt.asIntN(32, value >> 32n)),
];

export { EXIT };
