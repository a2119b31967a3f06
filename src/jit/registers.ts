import type { FunctionBuilder } from '../wasm/index.ts';
import type { Graph } from './graph.ts';
import { FIRST_REGISTER, writtenX } from './traits.ts';

/** The guest's registers that a region uses: each has a local. Those of both files are numbered on, f0 is 32. */
export class Registers {
  /** Index of the local of each register; 0 where there is none. */
  readonly locals = new Int32Array(64);
  /** Sets of registers, a bit for each. */
  usedX = 0;
  usedF = 0;
  writtenX = 0;
  writtenF = 0;
  /** Some instruction uses floating-point registers or flags. */
  usesFloat = false;

  /** @param integer type of the locals of integer registers */
  constructor({ blocks }: Graph, f: FunctionBuilder, integer: 'i32' | 'i64') {
    for (const { code } of blocks) {
      for (let index = 0; index < code.length; index++) {
        const { decoded, traits } = code[index];
        const { x } = traits;
        if (x.rs1) this.usedX |= 1 << decoded.rs1;
        if (x.rs2) this.usedX |= 1 << decoded.rs2;
        const written = writtenX(decoded, traits);
        if (written !== 0) this.writtenX |= 1 << written;
        if (!traits.usesFloat) continue;
        this.usesFloat = true;
        const operands = traits.f;
        if (operands.rs1) this.usedF |= 1 << decoded.rs1;
        if (operands.rs2) this.usedF |= 1 << decoded.rs2;
        if (operands.rs3) this.usedF |= 1 << decoded.rs3;
        if (operands.rd) this.writtenF |= 1 << decoded.rd;
      }
    }
    // x0 is no register, but a constant.
    this.usedX = (this.usedX & ~1) | this.writtenX;
    this.usedF |= this.writtenF;
    this.#declare(this.usedX, FIRST_REGISTER.x, integer, f);
    this.#declare(this.usedF, FIRST_REGISTER.f, 'f64', f);
  }

  #declare(used: number, first: number, type: 'i32' | 'i64' | 'f64', f: FunctionBuilder): void {
    for (let register = 0; register < 32; register++) {
      if ((used & (1 << register)) !== 0) this.locals[first + register] = f.declare(type);
    }
  }
}
