import { generateInterpreter, Hart, hartAreaBytes } from '../../src/hart/index.ts';
import type { Xlen } from '../../src/isa/index.ts';
import { GuestMemory } from '../../src/memory/guest-memory.ts';
import type { Dialect } from './dialects.ts';
import { COMPARED, LAYOUT } from './layout.ts';
import type { Outcome } from './on-qemu.ts';
import type { Program } from './program.ts';

/** Fewer than a long program has: pages are decoded, dropped and decoded again. */
const CODE_PAGES = 16;
const EXIT_REQUEST = 64;
const AREA = 0x1000;
const WASM_PAGE = 0x1_0000;
/** Instructions after which a program is taken to be lost. */
const LIMIT = 2_000_000;

/** Runs programs on one hart after another, all in the same memory. */
export class HartvisorMachine {
  readonly #offset = Math.ceil((AREA + hartAreaBytes(CODE_PAGES)) / WASM_PAGE) * WASM_PAGE;
  readonly #memory: WebAssembly.Memory;
  readonly #interpreter: WebAssembly.Module;
  /** Instructions that the last program retired. */
  instructions = 0;

  readonly #xlen: Xlen;
  readonly #single: boolean;

  /** @param single each instruction is carried out by a step of its own, as for a debugger */
  constructor(xlen: Xlen = 64, single = false) {
    this.#xlen = xlen;
    this.#single = single;
    const pages = (this.#offset + LAYOUT.ramBytes) / WASM_PAGE;
    this.#memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.#interpreter = new WebAssembly.Module(generateInterpreter({ minimum: 1, maximum: 0x1_0000 }, xlen));
  }

  /** Runs a program to its end. */
  run(program: Pick<Program, 'seed' | 'image' | 'setting'>): Outcome {
    const bytes = new Uint8Array(this.#memory.buffer);
    bytes.fill(0, 0, this.#offset + LAYOUT.logEnd - LAYOUT.ram);
    bytes.fill(
      0,
      this.#offset + LAYOUT.probeLarge - LAYOUT.ram,
      this.#offset + LAYOUT.probeLarge - LAYOUT.ram + 0x40_0000,
    );
    bytes.set(program.image, this.#offset);
    this.#runToEnd(program);
    return COMPARED.map(([start, end]) => {
      const from = this.#offset + start - LAYOUT.ram;
      return bytes.slice(from, from + end - start);
    });
  }

  #runToEnd({ seed, setting }: Pick<Program, 'seed' | 'setting'>): void {
    const stop = new Int32Array(this.#memory.buffer, EXIT_REQUEST, 1);
    const hart = this.#newHart(setting.dialect, () => {
      stop[0] = 1;
    });
    hart.state.setPc(LAYOUT.ram | 0, 0);
    while (stop[0] === 0) {
      if (hart.instructions > LIMIT)
        throw new Error(
          `the hart does not finish the program of seed ${seed} at ${(hart.state.pcLow >>> 0).toString(16)}`,
        );
      if (this.#single) hart.step();
      else hart.run(1_000_000);
    }
    this.instructions = hart.instructions;
  }

  #newHart(dialect: Dialect, finish: () => void): Hart {
    return new Hart({
      xlen: this.#xlen,
      interpreter: this.#interpreter,
      area: AREA,
      codePages: CODE_PAGES,
      ram: new GuestMemory(this.#memory, { base: LAYOUT.ram, size: LAYOUT.ramBytes, offset: this.#offset }),
      devices: {
        low: 0,
        high: 0,
        read: () => false,
        write: (address) => {
          if (address !== LAYOUT.finisher) return false;
          finish();
          return true;
        },
      },
      platform: { ticks: () => 0, lines: () => 0, guestExternalLines: () => 0 },
      extensions: dialect.extensions,
      hartId: 0,
      hsHost: false,
      exitRequest: EXIT_REQUEST,
    });
  }
}
