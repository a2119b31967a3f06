/** Debian's gdb with our machines and with QEMU's, by the same scripts: what it shows must be the same. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { assemble } from '../../src/isa/index.ts';
import { readCpu } from '../../src/machine/cpu.ts';
import { Machine } from '../../src/machine/machine.ts';
import { GdbServer } from '../../src/node/gdb/gdb-server.ts';
import { NodeHost } from '../../src/node/node-host.ts';
import { bareProgram } from '../machine/programs.ts';

const GDB = 'gdb-multiarch';
const ORIGIN = 0x8000_0000n;
const LIMIT_MS = 240_000;

/** Traps, atomics, floating point, memory of all widths, and another hart that waits. */
const PROGRAM = `
  csrr t0, mhartid
  bnez t0, wait
  la t0, trap
  csrw mtvec, t0
  li t0, 0x6600
  csrw mstatus, t0
  vsetivli zero, 4, e32, m1, ta, ma
  vid.v v3
  vmv.v.i v4, -3
  la s0, data
  li s1, 0
  li a0, 17
  li a1, 18
  li a2, 19
  fcvt.d.l fa0, a0
  fcvt.s.l fa1, a1
start:
  addi s1, s1, 1
  vadd.vv v5, v3, v4
write:
  sd s1, 0(s0)
  jal double
call:
  ecall
read:
  lhu a3, 18(s0)
  amoadd.d a4, s1, (s0)
  j start
double:
  slli a0, s1, 1
  c.addi a1, 1
  ret
  .balign 4
trap:
  csrr t1, mepc
  addi t1, t1, 4
  csrw mepc, t1
  mret
wait:
  wfi
  j wait
  .balign 4096
data:
  .dword 0x1122334455667788, 0x99aabbccddeeff00, 0x0123456789abcdef, 0
`;

const { symbols, bytes } = assemble(PROGRAM, {
  origin: ORIGIN,
  csrs: new Map(Object.entries({ mhartid: 0xf14, mtvec: 0x305, mstatus: 0x300, mepc: 0x341 })),
});

/** A script with \`labels\` as addresses. */
function script(text: string): string {
  return text.replaceAll(/`(\w+)`/g, (_, label: string) => `0x${(symbols.get(label) ?? 0n).toString(16)}`);
}

const SCRIPTS: readonly (readonly [string, string])[] = [
  [
    'shows registers and memory',
    `p/x $pc
     info registers s0 s1 a0 a1 a2 mtvec mcause mie
     p $fa0.double
     p $fa1.float
     x/4xg \`data\`
     x/6xb \`data\`+3
     x/3i $pc
     p/x *(short *)(\`data\`+18)`,
  ],
  [
    'shows vectors, and changes them',
    `p $v3.w
     p/x $v3
     p/x $v4.b
     info registers vl vtype vstart vlenb
     set $v3.w[2] = 1000
     set $v4.s[1] = 7
     stepi 2
     p $v5.w
     p/x $v4.q`,
  ],
  [
    'steps through a call and a trap',
    `stepi
     p/x $pc
     stepi 3
     p/x $pc
     stepi 2
     p/x $pc
     p $a0
     stepi
     stepi
     info registers pc mepc mcause priv
     stepi 4
     info registers pc mepc t1`,
  ],
  [
    'stops at breakpoints of both kinds',
    `break *\`double\`
     hbreak *\`read\`
     continue
     p $s1
     continue
     p $a0
     continue
     delete 2
     continue
     info registers pc s1 a1`,
  ],
  [
    'stops at accesses to memory',
    `watch *(long *)\`data\`
     continue
     p/x $pc
     continue
     p/x $pc
     delete
     rwatch *(short *)(\`data\`+18)
     continue
     p/x $pc
     continue
     p $s1
     delete
     awatch *(char *)(\`data\`+19)
     continue
     p/x $pc`,
  ],
  [
    'knows the threads of all harts',
    `thread apply all -q -s p/x $pc >= 0x80000000
     thread apply all -q -s p $mhartid
     set scheduler-locking on
     stepi
     p/x $pc
     set scheduler-locking off
     break *\`double\` thread 1
     continue
     p/x $pc`,
  ],
  [
    'changes registers, memory and code',
    `set $s1 = 41
     set $a1 = 0x123456789
     set $fa0.double = 2.5
     set var *(long *)(\`data\`+16) = 0x55
     set var *(short *)(\`data\`+18) = 7
     set $mtvec = \`trap\`
     break *\`read\`
     continue
     info registers s1 a0 a1 mtvec
     stepi
     p $a3
     p $fa0.double
     set var *(int *)\`double\` = 0x00349513
     continue
     p $a0`,
  ],
];

/** In front of the title of a part of the output. */
const PART = '=== ';

const START = `
  set pagination off
  set confirm off
  set architecture riscv:rv64
  set osabi none
`;

/** Lines about names of threads, which are not ours alone to choose, and about the ways by which a stop is told. */
const PASSED_OVER = /^(\[Switching to|warning: |determining|\s*$)/;

/** Runs all scripts, one after the other, each from the same place of the program. @returns what each has shown */
function runGdb(connect: string): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'gdb-'));
  const file = join(folder, 'script');
  const parts = SCRIPTS.map(
    ([title, body]) => `delete\n tbreak *\`start\`\n continue\n echo ${PART}${title}\\n\n ${body}\n`,
  );
  writeFileSync(file, script(`${START} ${connect}\n ${parts.join('')} detach`));
  return new Promise((resolve, reject) => {
    execFile(GDB, ['-nx', '-batch', '-x', file], { timeout: LIMIT_MS }, (error, output, errors) => {
      rmSync(folder, { recursive: true });
      if (error !== null) reject(new Error(`gdb: ${error.message}\n${output}${errors}`));
      // Before the first part machines are where their makers let them begin.
      else resolve(new Map(output.split(PART).slice(1).map(plain)));
    });
  });
}

/** The title of a part, and what was shown. */
function plain(part: string): readonly [string, string] {
  const [title = '', ...shown] = part.split('\n');
  const lines = shown.map((line) => line.replaceAll(/Thread 1\.(\d+)/g, 'Thread $1').trimEnd());
  const kept = lines
    .filter((line) => !PASSED_OVER.test(line))
    .map((line) =>
      line
        .replace(/^\[Inferior 1 \(.*\) (\w+)\]$/, '[Inferior $1]')
        .replace(/\(Thread \d.*\)/, '')
        .replace(/ "hart \d"/, ''),
    );
  return [title, kept.join('\n')];
}

async function onOurs(): Promise<ReadonlyMap<string, string>> {
  const program = bareProgram(PROGRAM);
  const { extensions } = readCpu('rv64,v=true,vlen=128');
  const machine = new Machine(
    { kind: 'bare', harts: 2, memoryBytes: 32 << 20, program, extensions },
    new NodeHost(),
    {
      console: { output: () => undefined },
    },
  );
  const target = await machine.debug();
  const server = await GdbServer.open({ host: '127.0.0.1', port: 0 }, 'test', target, () => undefined);
  machine.start();
  void machine.pause();
  try {
    return await runGdb(server.connectWords);
  } finally {
    machine.stop();
    await server.close();
    await machine.ended;
  }
}

async function onQemu(): Promise<ReadonlyMap<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'gdb-qemu-'));
  const program = join(folder, 'program');
  const socket = join(folder, 'gdb');
  writeFileSync(program, bytes);
  const words =
    '-M virt -cpu rv64,v=true,vlen=128 -smp 2 -m 32M -display none -serial none -monitor none'.split(' ');
  const gdb = ['-chardev', `socket,id=gdb,path=${socket},server=on,wait=off`, '-gdb', 'chardev:gdb', '-S'];
  const qemu = spawn('qemu-system-riscv64', [...words, '-bios', program, ...gdb], { stdio: 'ignore' });
  const ended = new Promise((resolve) => qemu.once('exit', resolve));
  try {
    return await runGdb(`target remote ${socket}`);
  } finally {
    qemu.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true });
  }
}

function have(...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0)
    console.warn(`not installed, so that nothing is compared: ${missing.join(', ')} (npm run setup)`);
  return missing.length === 0;
}

describe.runIf(have(GDB, 'qemu-system-riscv64'))("Debian's gdb", () => {
  let ours: ReadonlyMap<string, string>;
  let theirs: ReadonlyMap<string, string>;

  beforeAll(async () => {
    [ours, theirs] = await Promise.all([onOurs(), onQemu()]);
  }, 2 * LIMIT_MS);

  test.each(SCRIPTS)('%s as it does with QEMU', (title) => {
    expect(ours.get(title)).toBe(theirs.get(title));
    expect(ours.get(title)?.split('\n').length).toBeGreaterThan(8);
  });
});
