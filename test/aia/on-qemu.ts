/** Runs sequences on QEMU's `virt` with an IMSIC, as a program in M-mode that carries out a table of steps. */
import { execFile } from 'node:child_process';
import { mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MODES, PrivilegedBed } from '../hart/privileged-bed.ts';
import { bareProgram } from '../machine/programs.ts';
import { accessOf, GUESTS, type Seen, type Step } from './sequences.ts';

const RAM_BYTES = 32 << 20;
const TABLE = 0x1_0000;
const STEP_BYTES = 32;
const SEEN_BYTES = 24;
/** mtimecmp of hart 0. */
const MACHINE_TIMER = 0x200_4000;
/** Addresses of interrupt files of hart 0: machine level, supervisor level, guests. */
const MACHINE_FILE = 0x2400_0000;
const SUPERVISOR_FILE = 0x2800_0000;

/** Sets up and carries out the table; QEMU begins with priorities that are those of the default order. */
const program = (count: number): string => `
  .align 2
  la t0, from_machine
  csrw mtvec, t0
  la t0, from_lower
  csrw stvec, t0
  csrw vstvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  csrw mideleg, zero
  csrw medeleg, zero
  la s0, table
  li t0, ${count * STEP_BYTES}
  add s1, s0, t0
  mv s2, s1
  li t0, ${MACHINE_TIMER}
  li t1, -1
  sd t1, 0(t0)
  csrw hviprio1, zero
  csrw hviprio2, zero
  li t0, 0x30
priorities:
  csrw miselect, t0
  csrw mireg, zero
  csrw siselect, t0
  csrw sireg, zero
  addi t0, t0, 2
  li t1, 0x40
  bne t0, t1, priorities
  csrw miselect, zero
  csrw siselect, zero
next:
  beq s0, s1, done
  ld t0, 0(s0)
  lw t1, 8(s0)
  ld a1, 16(s0)
  ld a3, 24(s0)
  addi s0, s0, ${STEP_BYTES}
  la t2, slot
  sw t1, 0(t2)
  fence.i
  li t3, 0x8000001880
  csrc mstatus, t3
  csrs mstatus, t0
  csrw mepc, t2
  li a0, 0x5a5a5a5a
  li a2, 0
  mret
  .align 2
slot:
  nop
  ecall
  .align 2
from_lower:
  csrr a2, scause
  ecall
  .align 2
from_machine:
  csrr t0, mcause
  sd a0, 0(s2)
  sd t0, 8(s2)
  sd a2, 16(s2)
  addi s2, s2, ${SEEN_BYTES}
  j next
done:
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
stop:
  j stop
`;

/** Carries steps out on QEMU, and gives what was seen of each. */
export async function runOnQemu(steps: readonly Step[]): Promise<Seen[]> {
  const folder = mkdtempSync(join(tmpdir(), 'aia-on-qemu-'));
  const ram = join(folder, 'ram');
  const image = join(folder, 'program');
  try {
    writeFileSync(image, imageOf(steps));
    await run(image, ram);
    return readSeen(ram, steps.length);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function imageOf(steps: readonly Step[]): Uint8Array {
  const source = program(steps.length).replace('la s0, table', `li s0, ${0x8000_0000 + TABLE}`);
  const { image } = bareProgram(source);
  if (image.kind !== 'raw') throw new Error('raw bytes are expected');
  const bytes = new Uint8Array(TABLE + steps.length * STEP_BYTES);
  bytes.set(image.bytes);
  const view = new DataView(bytes.buffer);
  const bed = new PrivilegedBed();
  steps.forEach((step, index) => {
    const at = TABLE + index * STEP_BYTES;
    const [privilege, virtual] = MODES[step.mode];
    view.setBigUint64(at, (BigInt(privilege) << 11n) | (BigInt(virtual) << 39n), true);
    view.setUint32(at + 8, encode(bed, step), true);
    view.setBigUint64(at + 16, step.value, true);
    view.setBigUint64(at + 24, BigInt(typeof step.target === 'number' ? fileAddress(step.target) : 0), true);
  });
  return bytes;
}

function encode(bed: PrivilegedBed, step: Step): number {
  if (step.instruction === 'msi') return bed.decoded('sw', { rs1: 13, rs2: 11 }).bits >>> 0;
  const { name, operands } = accessOf(step);
  return bed.decoded(name, operands).bits >>> 0;
}

function fileAddress(file: number): number {
  return file === 0 ? MACHINE_FILE : SUPERVISOR_FILE + (file - 1) * 0x1000;
}

function run(image: string, ram: string): Promise<void> {
  const options = [
    ...['-M', `virt,aia=aplic-imsic,aia-guests=${GUESTS},memory-backend=ram`, '-m', '32M'],
    ...['-cpu', 'rv64,h=true'],
    ...['-object', `memory-backend-file,id=ram,size=${RAM_BYTES},mem-path=${ram},share=on`],
    ...['-display', 'none', '-serial', 'none', '-monitor', 'none', '-bios', image],
  ];
  return new Promise((resolve, reject) => {
    execFile('qemu-system-riscv64', options, { timeout: 240_000 }, (error, _, said) => {
      if (error === null) resolve();
      else reject(new Error(`QEMU did not come to an end: ${said}`, { cause: error }));
    });
  });
}

function readSeen(ram: string, count: number): Seen[] {
  const bytes = new Uint8Array(count * SEEN_BYTES);
  readSync(openSync(ram, 'r'), bytes, 0, bytes.length, TABLE + count * STEP_BYTES);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: count }, (_, index) => {
    const at = index * SEEN_BYTES;
    return {
      value: view.getBigUint64(at, true),
      cause: view.getBigUint64(at + 8, true),
      lowerCause: view.getBigUint64(at + 16, true),
    };
  });
}
