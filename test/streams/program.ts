import type { Xlen } from '../../src/isa/index.ts';
import { Builder, type Step } from './builder.ts';
import { type DialectName, dialectOf } from './dialects.ts';
import { assembleFrame, isVirtual, type Setting } from './frame.ts';
import { LAYOUT, type Roles } from './layout.ts';
import { Random } from './random.ts';
import { chooseRoles, chooseSetting, guestTables, pageTables, poolValues } from './settings.ts';
import { randomStep } from './steps.ts';

/** A generated program that runs by itself from the start of RAM. */
export interface Program {
  readonly seed: number;
  readonly setting: Setting;
  readonly roles: Roles;
  /** RAM from {@link LAYOUT.ram} on. */
  readonly image: Uint8Array<ArrayBuffer>;
  readonly steps: readonly Step[];
  /** The step behind each slot of the log. */
  readonly slots: readonly number[];
  /** How often each instruction was generated. */
  readonly counts: ReadonlyMap<string, number>;
}

/** Properties of a program. */
export interface ProgramOptions {
  /** Width of the hart that it is for, 64 unless given. */
  readonly xlen?: Xlen;
  /** The instructions that it may use; those of `qemu7` unless given. */
  readonly dialect?: DialectName;
  /** Put jumps to the next instruction between steps: places where compiled code can begin. */
  readonly jumps?: boolean;
}

const C_JR = 0x8002;

/**
 * Generates a program of about `steps` steps. Each step loads operands, carries out one instruction (or an exchange of
 * LR and SC, or a jump across a few) and logs what it has produced, so that a wrong result is seen where it arises.
 *
 */
export function generateProgram(
  seed: number,
  steps: number,
  { jumps = false, xlen = 64, dialect = 'qemu7' }: ProgramOptions = {},
): Program {
  const random = new Random(seed);
  const setting = chooseSetting(random, dialectOf(dialect, xlen));
  const roles = chooseRoles(random);
  const builder = new Builder(random, roles, setting);
  while (builder.steps.length < steps && !builder.isFull) block(builder, jumps);
  builder.code.add('addi', { rd: roles.counter, imm: -1 });
  builder.code.add('ecall', {});
  const { slots, counts } = builder;
  return { seed, setting, roles, image: imageOf(builder), steps: builder.steps, slots, counts };
}

/** Steps that share a base for the log; some are a loop. */
function block(builder: Builder, jumps: boolean): void {
  const { random, code, roles } = builder;
  const times = random.chance(0.2) ? random.between(2, 6) : 1;
  if (times > 1) code.add('addi', { rd: roles.counter, imm: times });
  const start = code.length;
  const count = times > 1 ? random.between(3, 30) : random.between(40, 200);
  for (let index = 0; index < count && !builder.isBlockFull; index++) {
    if (jumps && random.chance(0.7)) code.add('jal', { imm: 4 });
    randomStep(builder);
  }
  builder.endBlock(times);
  if (times === 1) return;
  code.add('addi', { rd: roles.counter, rs1: roles.counter, imm: -1 });
  code.add('bne', { rs1: roles.counter, imm: start - code.length });
}

function imageOf(builder: Builder): Uint8Array<ArrayBuffer> {
  const { random, roles, setting, code } = builder;
  const image = new Uint8Array(code.pc - LAYOUT.ram);
  const view = new DataView(image.buffer);
  const put = (address: number, bytes: Uint8Array): void => image.set(bytes, address - LAYOUT.ram);
  put(LAYOUT.frame, assembleFrame(roles, setting));
  for (const [slot, value] of poolValues(random, setting).entries()) {
    view.setBigUint64(LAYOUT.pool - LAYOUT.ram + slot * 8, value, true);
  }
  for (let offset = 0; offset < LAYOUT.dataBytes; offset += 4) {
    view.setUint32(LAYOUT.data - LAYOUT.ram + offset, random.bits(), true);
  }
  if (setting.paged) put(LAYOUT.tables, pageTables(random, setting));
  if (isVirtual(setting.mode)) put(LAYOUT.guestTables, guestTables(random, setting.xlen));
  for (let offset = 0; offset < 0x1000; offset += 2) {
    view.setUint16(LAYOUT.probeCode - LAYOUT.ram + offset, C_JR | (roles.link << 7), true);
  }
  put(LAYOUT.body, code.bytes());
  return image;
}
