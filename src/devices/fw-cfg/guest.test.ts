import { expect, test } from 'vitest';
import { haveQemu, runOnQemu } from '../../../test/machine/on-qemu.ts';
import { bareProgram, finish, guestProgram } from '../../../test/machine/programs.ts';
import { runMachine } from '../../../test/machine/run-machine.ts';
import type { MachineConfig } from '../../machine/config.ts';
import { CONTROL, FILE, ITEM, REG } from './registers.ts';

const LIMIT = 240_000;

const bigEndian = (register: string, bytes: number, at: string): string =>
  Array.from(
    { length: bytes },
    (_, index) => `srli t0, ${register}, ${8 * (bytes - 1 - index)}; sb t0, ${index}(${at})`,
  ).join('\n');

/** Prints item a0, of a1 bytes. */
const dump = (item: number, bytes: number) => `li a0, ${item}; li a1, ${bytes}; jal ra, dump\n`;

/**
 * Prints some items in hexadecimal, a line each: read byte by byte, and compared with a request for the same. Last come
 * the directory and the first file in it.
 */
const source = `
  li s0, 0x10100000; li s1, 0x10000000; la s2, buffer
  lw t0, ${REG.DMA}(s0); li t1, 0x554d4551; bne t0, t1, fail
  lw t0, ${REG.DMA + 4}(s0); li t1, 0x47464320; bne t0, t1, fail
  sh zero, ${REG.SELECTOR}(s0)
  ld t0, ${REG.DATA}(s0); li t1, 0x554d4551; bne t0, t1, fail
  ${dump(ITEM.SIGNATURE, 4)} ${dump(ITEM.ID, 4)} ${dump(ITEM.CPUS, 2)} ${dump(0x99, 3)}
  ${dump(ITEM.DIRECTORY, 4)}
  lbu a1, 3(s2); slli a1, a1, 6; addi a1, a1, 4; li a0, ${ITEM.DIRECTORY}; jal ra, dump
  lbu a1, ${4 + FILE.SIZE + 3}(s2); lbu a0, ${4 + FILE.ITEM + 1}(s2); jal ra, dump
  ${finish(0x5555)}
  j .

dump:
  mv s10, ra; mv s4, s2; add s5, s2, a1
  slli t0, a0, 8; sh t0, ${REG.SELECTOR}(s0)
1: beq s4, s5, 2f
  lbu s6, ${REG.DATA}(s0); sb s6, (s4); addi s4, s4, 1
  srli a2, s6, 4; jal ra, digit; andi a2, s6, 15; jal ra, digit
  j 1b
2: li a2, 16; jal ra, digit
  la s7, request; la s8, other; la s9, pointer
  slli a0, a0, 16; ori a0, a0, ${CONTROL.SELECT | CONTROL.READ}
  ${bigEndian('a0', 4, 's7')}
  addi s7, s7, 4
  ${bigEndian('a1', 4, 's7')}
  addi s7, s7, 4
  ${bigEndian('s8', 8, 's7')}
  addi s7, s7, -8
  ${bigEndian('s7', 8, 's9')}
  fence
  lw t0, (s9); sw t0, ${REG.DMA}(s0); lw t0, 4(s9); sw t0, ${REG.DMA + 4}(s0)
3: fence; lw t0, (s7); bnez t0, 3b
  mv s4, s2
4: beq s4, s5, 5f
  lbu t0, (s4); lbu t1, (s8); bne t0, t1, fail
  addi s4, s4, 1; addi s8, s8, 1; j 4b
5: mv ra, s10; ret

digit:
  lbu t0, 5(s1); andi t0, t0, 32; beqz t0, digit
  la t0, digits; add t0, t0, a2; lbu t0, (t0); sb t0, (s1); ret

fail:
  ${finish(0x1_3333)}
  j .

digits: .ascii "0123456789abcdef\\n"
.balign 16
request: .zero 16
pointer: .zero 16
buffer: .zero 4096
other: .zero 4096
`;

interface Found {
  readonly items: readonly string[];
  readonly files: readonly { readonly name: string; readonly item: number; readonly size: number }[];
  readonly firstFile: string;
}

function read(output: string): Found {
  const lines = output.split('\n').slice(0, -1);
  const [directory, first] = lines.slice(-2).map((line) => Buffer.from(line, 'hex'));
  const files = Array.from({ length: directory.readUInt32BE() }, (_, index) => {
    const file = directory.subarray(4 + FILE.BYTES * index, 4 + FILE.BYTES * (index + 1));
    const name = file.toString('latin1', FILE.NAME);
    return {
      name: name.slice(0, name.indexOf('\0')),
      item: file.readUInt16BE(FILE.ITEM),
      size: file.readUInt32BE(FILE.SIZE),
    };
  });
  return { items: lines.slice(0, -3), files, firstFile: first.toString('latin1') };
}

const ITEMS = ['51454d55', '03000000', '0100', '000000'];

test.each<[string, MachineConfig]>([
  ['bare', { kind: 'bare', harts: 1, memoryBytes: 32 << 20, program: bareProgram(source) }],
  [
    'bare',
    { kind: 'bare', harts: 1, memoryBytes: 32 << 20, program: bareProgram(source), engine: 'lockstep' },
  ],
  [
    'domain',
    {
      kind: 'domain',
      vcpus: 1,
      pcpus: 1,
      memoryBytes: 32 << 20,
      protocol: 'take-mirror',
      kernel: guestProgram(source),
      bootArgs: '',
    },
  ],
])('a guest reads items and files of its machine (%s)', async (kind, config) => {
  const { end, output } = await runMachine(config, LIMIT);
  expect(end).toEqual({ reason: 'poweroff' });
  expect(read(output)).toEqual({
    items: ITEMS,
    files: [{ name: 'etc/hartvisor/machine', item: ITEM.FIRST_FILE, size: kind.length + 1 }],
    firstFile: `${kind}\n`,
  });
});

test.skipIf(!haveQemu())('the same guest finds the same on QEMU, but for the files', async () => {
  const { code, output } = await runOnQemu(bareProgram(source), [], LIMIT);
  expect(code).toBe(0);
  const { items, files } = read(output);
  expect(items).toEqual(ITEMS);
  expect(files).toContainEqual({ name: 'etc/boot-fail-wait', item: expect.any(Number), size: 4 });
  expect(files.map(({ item }) => item)).toEqual(files.map((_, index) => ITEM.FIRST_FILE + index));
});
