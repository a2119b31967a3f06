import { expect, test } from 'vitest';
import { haveQemu, runOnQemu } from '../../../test/machine/on-qemu.ts';
import { bareProgram, finish, guestProgram } from '../../../test/machine/programs.ts';
import { runMachine } from '../../../test/machine/run-machine.ts';
import type { MachineConfig } from '../../machine/config.ts';
import { FEATURE, REG } from '../virtio/registers.ts';

const LIMIT = 240_000;
/** The status bits that a driver has set when it works. */
const ALIVE = 0xf;

/** The names of a privilege level: its CSRs and its external interrupt. */
interface Level {
  readonly mode: 'm' | 's';
  readonly enable: number;
  readonly cause: number;
}
const MACHINE: Level = { mode: 'm', enable: 8, cause: 11 };
const SUPERVISOR: Level = { mode: 's', enable: 2, cause: 9 };

let checks = 0;
/** Ends with a failure of its own code unless the register has that value. */
function check(register: string, value: number): string {
  return `li t6, ${value}; li a7, ${++checks}; beq ${register}, t6, 9f; j fail; 9:\n`;
}

/** Writes descriptor `index` of the table that t0 points to, for bytes of the buffers from `offset`. */
function descriptor(
  index: number,
  from: string,
  offset: number,
  length: number,
  flags: number,
  next = 0,
): string {
  return `
    la t1, ${from}; addi t1, t1, ${offset}; sd t1, ${16 * index}(t0)
    li t1, ${length}; sw t1, ${16 * index + 8}(t0)
    li t1, ${flags}; sh t1, ${16 * index + 12}(t0)
    li t1, ${next}; sh t1, ${16 * index + 14}(t0)
  `;
}

/** Offers a chain as number `index`, so that there are one more. */
const offer = (index: number, head: number): string => `
  la t0, avail; li t1, ${head}; sh t1, ${4 + 2 * index}(t0)
  fence; li t1, ${index + 1}; sh t1, 2(t0); fence
`;
const notify = `sw zero, ${REG.QUEUE_NOTIFY}(s0)\n`;
const wantInterruptAt = (index: number): string => `la t0, avail; li t1, ${index}; sh t1, 20(t0); fence\n`;
const used = (index: number, head: number, written: number): string => `
  la t0, used; lw t1, ${4 + 8 * index}(t0); lw t2, ${8 + 8 * index}(t0)
  ${check('t1', head)} ${check('t2', written)}
`;

/**
 * A driver of the entropy device: asks with two kinds of chains, by interrupt and without, puts a wrong number into the
 * ring, and starts anew. Then it prints the random bytes. It knows of eight places where the device may be, as on
 * QEMU's `virt`.
 */
const driver = ({ mode, enable, cause }: Level): string => `
  la t0, trap; csrw ${mode}tvec, t0
  li s0, 0x10001000; li s1, 1; li s3, 0
find:
  lw t0, ${REG.DEVICE_ID}(s0); li t1, 4; beq t0, t1, found
  li t0, 0x1000; add s0, s0, t0; addi s1, s1, 1; li t0, 9; bltu s1, t0, find
  ${check('zero', 1)}
found:
  lw t0, ${REG.MAGIC}(s0); ${check('t0', 0x7472_6976)}
  lw t0, ${REG.VERSION}(s0); ${check('t0', 2)}
  li t0, 0xc000000; slli t1, s1, 2; add t0, t0, t1; li t1, 1; sw t1, (t0)
  li t0, 0xc002000; sll t1, t1, s1; sw t1, (t0)
  li t0, 0xc200000; sw zero, (t0)
  li t0, ${1 << cause}; csrs ${mode}ie, t0

  jal ra, begin
  la t0, table
  ${descriptor(0, 'buffers', 0, 16, 3, 1)}
  ${descriptor(1, 'buffers', 32, 16, 2)}
  ${descriptor(2, 'indirect', 0, 32, 4)}
  ${descriptor(3, 'buffers', 96, 8, 2)}
  la t0, indirect
  ${descriptor(0, 'buffers', 48, 16, 3, 1)}
  ${descriptor(1, 'buffers', 80, 16, 2)}

  # Two chains, and an interrupt when the second one is done.
  ${wantInterruptAt(1)} ${offer(0, 0)} ${offer(1, 2)} ${notify}
  jal ra, wait
  ${check('s2', 1)}
  la t0, used; lhu t1, 2(t0); ${check('t1', 2)}
  ${used(0, 0, 32)} ${used(1, 2, 32)}
  # The next chain is one to tell of.
  lhu t1, 68(t0); ${check('t1', 2)}

  # A chain without an interrupt.
  ${wantInterruptAt(5)} ${offer(2, 3)} ${notify}
  la t0, used
poll:
  fence; lhu t1, 2(t0); li t2, 3; bne t1, t2, poll
  ${used(2, 3, 8)}
  lw t0, ${REG.INTERRUPT_STATUS}(s0); ${check('t0', 0)}

  # A chain that there is not. QEMU reports a used buffer as well.
  ${offer(3, 99)} ${notify}
  jal ra, wait
  andi s2, s2, 2; ${check('s2', 2)}
  lw t0, ${REG.STATUS}(s0); ${check('t0', ALIVE | 0x40)}

  # Everything from the start.
  jal ra, begin
  la t0, table
  ${descriptor(7, 'buffers', 112, 8, 2)}
  ${offer(0, 7)} ${notify}
  jal ra, wait
  ${used(0, 7, 8)}

  la s4, buffers; li s5, 0x10000000; addi s6, s4, 128
print:
  lbu a0, (s4); srli a0, a0, 4; jal ra, digit
  lbu a0, (s4); andi a0, a0, 15; jal ra, digit
  addi s4, s4, 1; bne s4, s6, print
  ${finish(0x5555)}
  j .

digit:
  lbu t0, 5(s5); andi t0, t0, 32; beqz t0, digit
  la t0, digits; add t0, t0, a0; lbu t0, (t0); sb t0, (s5); ret

  # Waits for an interrupt; s2 is its causes.
wait:
  wfi; csrsi ${mode}status, ${enable}; nop; csrci ${mode}status, ${enable}; beqz s3, wait
  li s3, 0; ret

  # Negotiates features and describes the queue. The next interrupt is wanted at once.
begin:
  la t0, avail; la t1, end
1: sd zero, (t0); addi t0, t0, 8; bltu t0, t1, 1b
  sw zero, ${REG.STATUS}(s0)
  lw t0, ${REG.STATUS}(s0); ${check('t0', 0)}
  lw t0, ${REG.QUEUE_READY}(s0); ${check('t0', 0)}
  li t0, 1; sw t0, ${REG.STATUS}(s0); li t0, 3; sw t0, ${REG.STATUS}(s0)
  sw zero, ${REG.DEVICE_FEATURES_SEL}(s0); lw t0, ${REG.DEVICE_FEATURES}(s0)
  li t1, ${FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX}
  and t0, t0, t1; ${check('t0', FEATURE.INDIRECT_DESC | FEATURE.EVENT_IDX)}
  sw zero, ${REG.DRIVER_FEATURES_SEL}(s0); sw t0, ${REG.DRIVER_FEATURES}(s0)
  li t0, 1; sw t0, ${REG.DEVICE_FEATURES_SEL}(s0); lw t1, ${REG.DEVICE_FEATURES}(s0)
  and t1, t1, t0; ${check('t1', 1)}
  sw t0, ${REG.DRIVER_FEATURES_SEL}(s0); sw t0, ${REG.DRIVER_FEATURES}(s0)
  li t0, 11; sw t0, ${REG.STATUS}(s0); lw t0, ${REG.STATUS}(s0); ${check('t0', 11)}
  sw zero, ${REG.QUEUE_SEL}(s0); lw t0, ${REG.QUEUE_NUM_MAX}(s0)
  li t1, 8; bgeu t0, t1, 1f; ${check('t0', 8)} 1:
  sw t1, ${REG.QUEUE_NUM}(s0)
  la t0, table; sw t0, ${REG.QUEUE_DESC}(s0); sw zero, ${REG.QUEUE_DESC + 4}(s0)
  la t0, avail; sw t0, ${REG.QUEUE_DRIVER}(s0); sw zero, ${REG.QUEUE_DRIVER + 4}(s0)
  la t0, used; sw t0, ${REG.QUEUE_DEVICE}(s0); sw zero, ${REG.QUEUE_DEVICE + 4}(s0)
  li t0, 1; sw t0, ${REG.QUEUE_READY}(s0); lw t0, ${REG.QUEUE_READY}(s0); ${check('t0', 1)}
  li t0, ${ALIVE}; sw t0, ${REG.STATUS}(s0); lw t0, ${REG.STATUS}(s0); ${check('t0', ALIVE)}
  ret

fail:
  li t5, 0x100000; slli a7, a7, 16; li t6, 0x3333; or a7, a7, t6; sw a7, (t5)
  j .

.balign 4
trap:
  csrr t0, ${mode}cause; srli t1, t0, 63; ${check('t1', 1)}
  andi t0, t0, 0xff; ${check('t0', cause)}
  li t2, 0xc200004; lw t0, (t2); sub t0, t0, s1; ${check('t0', 0)}
  lw s2, ${REG.INTERRUPT_STATUS}(s0); sw s2, ${REG.INTERRUPT_ACK}(s0)
  lw t0, ${REG.INTERRUPT_STATUS}(s0); ${check('t0', 0)}
  sw s1, (t2); li s3, 1
  ${mode}ret

digits: .ascii "0123456789abcdef"
.balign 4096
table: .zero 128
indirect: .zero 128
buffers: .zero 256
avail: .zero 256
used: .zero 256
end:
`;

/** Zeroes where nothing was asked for, and bytes that do not repeat elsewhere. */
function expectRandom(output: string): void {
  expect(output).toMatch(/^[0-9a-f]{256}$/);
  const eights = (output.match(/.{16}/g) ?? []).map((bytes, index) => ({ bytes, index }));
  const filled = [0, 1, 4, 5, 6, 7, 10, 11, 12, 14];
  const [random, rest] = [true, false].map((is) =>
    eights.filter(({ index }) => filled.includes(index) === is).map(({ bytes }) => bytes),
  );
  expect(new Set(random).size).toBe(filled.length);
  expect(random).not.toContain('0'.repeat(16));
  expect(new Set(rest)).toEqual(new Set(['0'.repeat(16)]));
}

const bare: MachineConfig = {
  kind: 'bare',
  harts: 1,
  memoryBytes: 32 << 20,
  program: bareProgram(driver(MACHINE)),
};
const domain: MachineConfig = {
  kind: 'domain',
  vcpus: 1,
  pcpus: 1,
  memoryBytes: 32 << 20,
  protocol: 'take-mirror',
  kernel: guestProgram(driver(SUPERVISOR)),
  bootArgs: '',
};

test.each<[string, MachineConfig]>([
  ['a bare machine', bare],
  ['a domain', domain],
  ['a bare machine in lock step', { ...bare, engine: 'lockstep' }],
  ['a domain in lock step', { ...domain, engine: 'lockstep' }],
])('a guest of %s gets random bytes by interrupt', async (_, config) => {
  const { end, output } = await runMachine(config, LIMIT);
  expect(end).toEqual({ reason: 'poweroff' });
  expectRandom(output);
});

test.skipIf(!haveQemu())('the same guest passes on QEMU', async () => {
  const device = ['-device', 'virtio-rng-device', '-global', 'virtio-mmio.force-legacy=false'];
  const { code, output } = await runOnQemu(bareProgram(driver(MACHINE)), device, LIMIT);
  expect(code).toBe(0);
  expectRandom(output);
});
