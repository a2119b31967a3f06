import { expect, test } from 'vitest';
import { buildElf } from '../../test/fixtures/elf-fixture.ts';
import { bareProgram, finish, guestProgram, reset } from '../../test/machine/programs.ts';
import { readKernelElf } from '../boot/kernel-image.ts';
import { assemble } from '../isa/index.ts';
import { NodeHost } from '../node/node-host.ts';
import type { MachineConfig } from './config.ts';
import { MOST_NOTICES } from './control.ts';
import { Machine } from './machine.ts';
import type { MachineEnd } from './machine-end.ts';

const LIMIT_MS = 240_000;
const MIB = 2 ** 20;
const SPIN = '1: j 1b\n';
/** Reads LSR until the transmitter is full, writing a byte after each look: more than the port and its reader hold. */
const WRITE_UNTIL_FULL = `
    li t0, 0x10000000; li t1, 46; li s0, 400000
  next: lbu t2, 5(t0); andi t2, t2, 0x20; beqz t2, full
    sb t1, (t0); addi s0, s0, -1; bnez s0, next
    ${finish(0x0001_3333)}${SPIN}
  full: ${finish(0x5555)}${SPIN}`;
/** The same through the SBI's debug console, which says how much it took. */
const CALL_UNTIL_FULL = `
    li s0, 400
  next: li a7, 0x4442434e; li a6, 0; li a0, 4096; li a1, 0x80200000; li a2, 0; ecall
    bnez a0, bad; li t0, 4096; bne a1, t0, full
    addi s0, s0, -1; bnez s0, next
  bad: ${reset(0, 1)}
  full: ${reset(0, 0)}`;

function domain(source: string): MachineConfig {
  const shape = { kind: 'domain', vcpus: 1, pcpus: 1, memoryBytes: 16 * MIB, bootArgs: '' } as const;
  return { ...shape, protocol: 'take-mirror', kernel: guestProgram(source) };
}

const bare = (source: string): MachineConfig => ({
  kind: 'bare',
  harts: 1,
  memoryBytes: 16 * MIB,
  program: bareProgram(source),
});

/** A program whose file names `tohost`. */
function withTohost(source: string): MachineConfig {
  const base = 0x8000_0000n;
  const { bytes, symbols } = assemble(source, { origin: base });
  const segments = [{ virtualAddress: base, physicalAddress: base, data: bytes }];
  const tohost = symbols.get('tohost') ?? 0n;
  const elf = readKernelElf(buildElf({ entry: base, segments, symbols: { tohost } }), 'a test');
  return {
    ...bare(''),
    program: { kind: 'program', image: { kind: 'elf', elf, source: 'a test' } },
  } as MachineConfig;
}

interface Unread {
  readonly end: MachineEnd;
  /** Pieces of output that were handed out while the machine ran. */
  readonly pieces: number;
  readonly notices: readonly string[];
}

/** Runs a machine whose output's reader takes the first piece, and then does not come back. */
async function runUnread(config: MachineConfig): Promise<Unread> {
  const { promise: never } = Promise.withResolvers<void>();
  const notices: string[] = [];
  let ended = false;
  let pieces = 0;
  const machine = new Machine(config, new NodeHost(), {
    console: {
      output() {
        if (!ended) pieces++;
        return never;
      },
    },
    onNotice: (text) => notices.push(text),
  });
  machine.start();
  const limit = setTimeout(() => machine.stop(), LIMIT_MS);
  const end = await machine.ended;
  ended = true;
  clearTimeout(limit);
  return { end, pieces, notices };
}

test.each([
  ['the serial port of a domain', domain(WRITE_UNTIL_FULL)],
  ['the serial port of a bare machine', bare(WRITE_UNTIL_FULL)],
  ['the debug console', domain(CALL_UNTIL_FULL)],
])('a reader that does not come back holds a guest back at %s', async (_, config) => {
  const { end, pieces } = await runUnread(config);
  expect(end).toEqual({ reason: 'poweroff' });
  // The second is what was left when the last thread had ended.
  expect(pieces).toBeLessThanOrEqual(2);
});

test('unknown requests of a program give a few notices, and their number', async () => {
  const requests = MOST_NOTICES + 7;
  // Each is followed by a change of the software interrupt, which ends the hart's run.
  const source = `
      la t0, tohost; li t1, 2; slli t1, t1, 56; li t2, 0x2000000; li t4, 1; li s0, ${requests}
    next: sd t1, (t0); sw t4, (t2); xori t4, t4, 1
    wait: ld t3, (t0); bnez t3, wait
      addi s0, s0, -1; bnez s0, next
      ${finish(0x5555)}${SPIN}
    .balign 64
    tohost: .dword 0`;
  const { end, notices } = await runUnread(withTohost(source));
  expect(end).toEqual({ reason: 'poweroff' });
  expect(notices).toHaveLength(MOST_NOTICES + 1);
  expect(notices.at(-1)).toBe('There were 7 more notices of this kind.');
});
