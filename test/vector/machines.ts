import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateInterpreter, Hart, hartAreaBytes } from '../../src/hart/index.ts';
import type { Extension } from '../../src/isa/index.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import { finished } from '../streams/qemu-process.ts';
import { LAYOUT } from './layout.ts';
import { EXTENSIONS, type VectorProgram, type Vlen } from './program.ts';

/** Extensions that QEMU 10 has beyond 7.2. */
const RECENT = [
  ...['zfh', 'zvfh', 'zvbb', 'zvbc'],
  ...['zvkg', 'zvkned', 'zvknha', 'zvknhb', 'zvksed', 'zvksh'],
] as const;
const CODE_PAGES = 64;
const EXIT_REQUEST = 64;
const AREA = 0x1000;
const WASM_PAGE = 0x1_0000;
const TIMEOUT = 120_000;

/** Memory after a run: registers at the last look, hashes, and what loads and stores have worked on. */
export interface VectorOutcome {
  readonly state: BigUint64Array;
  readonly log: BigUint64Array;
  readonly data: BigUint64Array;
}

const PARTS = {
  state: [LAYOUT.state, LAYOUT.state + LAYOUT.stateBytes],
  log: [LAYOUT.log, LAYOUT.logEnd],
  data: [LAYOUT.data, LAYOUT.dataEnd],
} as const;

function outcomeOf(read: (start: number, bytes: number) => Uint8Array<ArrayBuffer>): VectorOutcome {
  const part = ([start, end]: readonly [number, number]) =>
    new BigUint64Array(read(start - LAYOUT.ram, end - start).buffer);
  return { state: part(PARTS.state), log: part(PARTS.log), data: part(PARTS.data) };
}

/** Our hart, in a memory that is used for one program after the other. */
export class VectorMachine {
  readonly #offset = Math.ceil((AREA + hartAreaBytes(CODE_PAGES)) / WASM_PAGE) * WASM_PAGE;
  readonly #memory: WebAssembly.Memory;
  readonly #interpreter: WebAssembly.Module;
  readonly #compile: boolean;
  /** Instructions that the last program retired. */
  instructions = 0;

  constructor(compile = false) {
    this.#compile = compile;
    const pages = (this.#offset + LAYOUT.ramBytes) / WASM_PAGE;
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#interpreter = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: 0x1_0000 }));
  }

  run({ image, vlen, seed }: VectorProgram): VectorOutcome {
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.fill(0, this.#offset, this.#offset + LAYOUT.ramBytes);
    bytes.set(image, this.#offset);
    const stop = new Int32Array(this.#memory.buffer, EXIT_REQUEST, 1);
    const hart = this.#newHart(vlen, () => {
      stop[0] = 1;
    });
    hart.state.setPc(LAYOUT.ram | 0, 0);
    stop[0] = 0;
    const end = performance.now() + TIMEOUT;
    while (stop[0] === 0) {
      if (performance.now() > end) throw new Error(`the hart does not finish the program of seed ${seed}`);
      hart.run(10_000_000);
    }
    stop[0] = 0;
    this.instructions = hart.instructions;
    return outcomeOf((start, length) => bytes.slice(this.#offset + start, this.#offset + start + length));
  }

  #newHart(vlen: Vlen, finish: () => void): Hart {
    const { ram: base, ramBytes: size, finisher } = LAYOUT;
    return new Hart({
      interpreter: this.#interpreter,
      area: AREA,
      codePages: CODE_PAGES,
      ram: new GuestMemory(this.#memory, { base, size, offset: this.#offset }),
      devices: {
        low: 0,
        high: 0,
        read: () => false,
        write: (address) => {
          if (address !== finisher) return false;
          finish();
          return true;
        },
      },
      platform: { ticks: () => 0, lines: () => 0, guestExternalLines: () => 0 },
      extensions: new Set<Extension>([...EXTENSIONS, `zvl${vlen}b`]),
      compile: this.#compile,
      // So that most of a program runs compiled.
      ...(this.#compile ? { compileAfter: 2 } : {}),
      hartId: 0,
      hsHost: false,
      exitRequest: EXIT_REQUEST,
    });
  }
}

/** Runs a program on QEMU, whose RAM is a file in a folder. */
export async function runOnQemu(
  { image, vlen, seed, recent }: VectorProgram,
  folder: string,
  qemu = 'qemu-system-riscv64',
): Promise<VectorOutcome> {
  const program = join(folder, `${seed}.bin`);
  const ram = join(folder, `${seed}.ram`);
  writeFileSync(program, image);
  try {
    const size = LAYOUT.ramBytes;
    const machine = ['-M', 'virt,memory-backend=ram', '-m', `${size >> 20}M`];
    const backend = ['-object', `memory-backend-file,id=ram,size=${size},mem-path=${ram},share=on`];
    const more = recent ? RECENT.map((name) => `,${name}=true`).join('') : '';
    const cpu = ['-cpu', `rv64,v=true,vlen=${vlen},elen=64${more}`];
    const quiet = ['-display', 'none', '-serial', 'none', '-monitor', 'none'];
    await finished(spawn(qemu, [...machine, ...backend, ...cpu, ...quiet, '-bios', program]), seed, TIMEOUT);
    return readOutcome(ram);
  } finally {
    rmSync(program, { force: true });
    rmSync(ram, { force: true });
  }
}

function readOutcome(file: string): VectorOutcome {
  const descriptor = openSync(file, 'r');
  try {
    return outcomeOf((start, length) => {
      const bytes = new Uint8Array(length);
      readSync(descriptor, bytes, 0, length, start);
      return bytes;
    });
  } finally {
    closeSync(descriptor);
  }
}
