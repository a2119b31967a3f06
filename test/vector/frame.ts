import { assemble } from '../../src/isa/index.ts';
import { LAYOUT } from './layout.ts';

/**
 * Registers that a program keeps for itself. x4 to x6 are free for all but the instructions under test.
 */
export const ROLE = { link: 1, hash: 2, log: 3, state: 7, rounds: 8 } as const;

const CSRS: ReadonlyMap<string, number> = new Map([
  ['vstart', 0x008],
  ['vcsr', 0x00f],
  ['fcsr', 0x003],
  ['vl', 0xc20],
  ['vtype', 0xc21],
  ['vlenb', 0xc22],
  ['satp', 0x180],
  ['mstatus', 0x300],
  ['mtvec', 0x305],
  ['mepc', 0x341],
  ['mcause', 0x342],
  ['mtval', 0x343],
  ['pmpcfg0', 0x3a0],
  ['pmpaddr0', 0x3b0],
]);

/** VS and FS Dirty, and the mode to go to. */
const STATUS = { units: (3 << 9) | (3 << 13), supervisor: 1 << 11, machine: 3 << 11 } as const;

export interface FrameOptions {
  readonly vlenb: number;
  readonly paged: boolean;
  readonly rounds: number;
}

export interface Frame {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Address of the code that looks at all state. */
  readonly look: number;
}

/** Setting up, `look` (which hashes all state), and the handler of traps, which goes on behind the instruction. */
export function assembleFrame({ vlenb, paged, rounds }: FrameOptions): Frame {
  const mix = (register: string): string => `slli x6, x2, 5; add x2, x2, x6; add x2, x2, ${register}`;
  const note = (register: string, place: number): string =>
    `${mix(register)}; li x6, ${LAYOUT.state + LAYOUT.stateTrap}; sd ${register}, ${place * 8}(x6)`;
  const status = STATUS.units | (paged ? STATUS.supervisor : STATUS.machine);
  const tested = Array.from({ length: 24 }, (_, index) => index + 8);
  const source = `
    la x4, trap; csrw mtvec, x4
    li x4, -1; csrw pmpaddr0, x4; li x4, 0x1f; csrw pmpcfg0, x4
    li x4, ${paged ? (8n << 60n) | BigInt(LAYOUT.tables >>> 12) : 0n}; csrw satp, x4; sfence.vma
    li x4, ${status}; csrw mstatus, x4
    li x4, ${LAYOUT.pool}
    ${Array.from({ length: 32 }, (_, index) => `fld f${index}, ${index * 8}(x4)`).join('\n')}
    ${[0, 8, 16, 24]
      .map((index) => `li x5, ${LAYOUT.pool + 0x1000 + index * vlenb}; vl8re8.v v${index}, (x5)`)
      .join('\n')}
    ${tested.map((index) => `ld x${index}, ${(index + 64) * 8}(x4)`).join('\n')}
    li x1, 0; li x2, 1; li x3, ${LAYOUT.log}; li x7, ${LAYOUT.state}; li x8, ${rounds}
    li x4, ${LAYOUT.body}; csrw mepc, x4
    mret
  .balign 4
  look:
    csrr x4, vstart
    ${note('x4', 4)}
    csrw vstart, x0
    ${[0, 8, 16, 24].map((index) => `li x5, ${index * vlenb}; add x5, x5, x7; vs8r.v v${index}, (x5)`).join('\n')}
    mv x5, x7
    li x4, ${vlenb * 32}; add x4, x4, x7
  1:ld x6, (x5)
    add x2, x2, x6; slli x6, x2, 7; xor x2, x2, x6; srli x6, x2, 9; xor x2, x2, x6
    addi x5, x5, 8
    bltu x5, x4, 1b
    ${['vl', 'vtype', 'vcsr', 'fcsr'].map((name, index) => `csrr x4, ${name}; sd x4, ${index * 8}(x5)\n${mix('x4')}`).join('\n')}
    ${tested.map((index) => `sd x${index}, ${(index + 8) * 8}(x5)\n${mix(`x${index}`)}`).join('\n')}
    ${[1, 8, 15, 31].map((index) => `fmv.x.d x4, f${index}; sd x4, ${(index + 40) * 8}(x5)\n${mix('x4')}`).join('\n')}
    sd x2, (x3)
    addi x3, x3, 8
    jr x1
  .balign 4
  trap:
    csrr x4, mcause
    li x5, 9; beq x4, x5, end
    li x5, 11; beq x4, x5, end
    ${note('x4', 0)}
    csrr x4, mepc; addi x5, x4, 4; csrw mepc, x5
    ${note('x4', 1)}
    csrr x4, mtval
    ${note('x4', 2)}
    csrr x4, vstart
    ${note('x4', 3)}
    csrw vstart, x0
    mret
  end:
    li x4, ${LAYOUT.finisher}; li x5, 0x5555; sw x5, (x4)
  2:j 2b`;
  const { bytes, symbols } = assemble(source, { xlen: 64, origin: BigInt(LAYOUT.frame), csrs: CSRS });
  if (bytes.length > LAYOUT.tables - LAYOUT.frame) throw new Error('the frame is too long');
  return { bytes, look: Number(symbols.get('look')) };
}
