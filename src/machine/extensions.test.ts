import { describe, expect, test } from 'vitest';
import { bareProgram, finish, guestProgram } from '../../test/machine/programs.ts';
import { runMachine } from '../../test/machine/run-machine.ts';
import { EXTENSION_NAMES, EXTENSIONS, isExtension } from '../isa/extensions.ts';
import type { MachineConfig } from './config.ts';
import { readCpu } from './cpu.ts';
import { advertisedExtensions } from './extensions.ts';

const MIB = 2 ** 20;

/**
 * Parts of V and its lengths come with it. Hints execute everywhere, so nothing tells whether they are implemented, nor
 * do programs see how long they take; without CSRs nothing could be told; and S-mode sees nothing of Smaia.
 */
const UNTESTABLE = new Set(['smaia', 'zicbop', 'zihintntl', 'zihintpause', 'zicsr', 'zkt', 'smstateen']);

/*
 * Tables at 0x8040_0000 (Sv39): the first GiB and that of RAM as they are, and from 4 GiB on pages of one page in RAM,
 * each with one of the things that an extension allows.
 */
const PAGES = `
  li t0, 0x80400000
  li t1, 0xcf; sd t1, 0(t0)
  li t1, 0x200000cf; sd t1, 16(t0)
  li t1, 0x20100401; sd t1, 32(t0)
  li t0, 0x80401000; li t1, 0x20100801; sd t1, 0(t0)
  li t0, 0x80402000; li t2, 0x20104000
  ori t1, t2, 0x07; sd t1, 0(t0)
  ori t1, t2, 0xc7; sd t1, 8(t0)
  li t3, 1; slli t3, t3, 61; or t1, t1, t3; sd t1, 16(t0)
  ori t1, t2, 0xc7; li t3, 0x2000; or t1, t1, t3; li t3, 1; slli t3, t3, 63; or t1, t1, t3; sd t1, 128(t0)
  li t1, 8; slli t1, t1, 60; li t0, 0x80400; or t1, t1, t0; csrw satp, t1; sfence.vma
  li t0, 0x2000; csrs sstatus, t0
  li s3, 4; slli s3, s3, 30
`;

/** S-mode code for each extension that executes only where it is there. s3 is the address of the first of the pages. */
const USES: Readonly<Record<string, string>> = {
  m: 'mul a0, a1, a2',
  a: 'lui a1, 1; add a1, a1, s3; amoadd.w a0, a0, (a1)',
  f: 'fadd.s fa0, fa1, fa2',
  d: 'fadd.d fa0, fa1, fa2',
  c: '.half 0x852e; .half 0x852e',
  h: '.word 0x60002573', // csrr a0, hstatus
  v: 'li t0, 0x600; csrs sstatus, t0; .word 0x0005f557', // vsetvli a0, a1, e8
  zvbb: 'vsetivli x0, 1, e16, m1, ta, ma; vclz.v v1, v2',
  zvbc: 'vsetivli x0, 1, e64, m1, ta, ma; vclmul.vv v1, v2, v3',
  zvkb: 'vsetivli x0, 1, e16, m1, ta, ma; vandn.vv v1, v2, v3',
  zvkg: 'vsetivli x0, 4, e32, m1, ta, ma; vgmul.vv v1, v2',
  zvkned: 'vsetivli x0, 4, e32, m1, ta, ma; vaesem.vv v1, v2',
  zvknha: 'vsetivli x0, 4, e32, m1, ta, ma; vsha2ch.vv v1, v2, v3',
  zvknhb: 'vsetivli x0, 4, e64, m1, ta, ma; vsha2ch.vv v1, v2, v3',
  zvksed: 'vsetivli x0, 4, e32, m1, ta, ma; vsm4r.vv v1, v2',
  zvksh: 'vsetivli x0, 8, e32, m1, ta, ma; vsm3me.vv v1, v2, v3',
  zvfh: 'vsetivli x0, 1, e16, m1, ta, ma; vfadd.vv v1, v2, v3',
  zvfhmin: 'vsetivli x0, 1, e16, m1, ta, ma; vfwcvt.f.f.v v2, v4',
  zicbom: 'lui a0, 1; add a0, a0, s3; cbo.clean (a0)',
  zicboz: 'lui a0, 1; add a0, a0, s3; cbo.zero (a0)',
  zicntr: 'rdcycle a0; rdtime a0; rdinstret a0',
  zicond: '.word 0x0ec5d533', // czero.eqz a0, a1, a2
  zifencei: 'fence.i',
  zihpm: '.word 0xc0302573', // csrr a0, hpmcounter3
  zimop: '.word 0x81c04073', // mop.r.0 x0, x0
  zacas: 'lui a1, 1; add a1, a1, s3; .word 0x28c5a52f', // amocas.w a0, a2, (a1)
  zabha: 'lui a1, 1; add a1, a1, s3; .word 0x00c5852f', // amoadd.b a0, a2, (a1)
  zawrs: '.word 0x01d00073', // wrs.sto
  zfhmin: '.word 0x44058553', // fcvt.h.s fa0, fa1
  zfh: '.word 0x04c5f553', // fadd.h fa0, fa1, fa2
  zfa: '.word 0xf0100553', // fli.s fa0, -1.0
  zcb: 'lui a1, 1; add a1, a1, s3; .half 0x8188; .half 0x0001', // c.lbu a0, (a1)
  zcmop: '.half 0x6081; .half 0x0001', // c.mop.1
  zbkc: '.word 0x0ac59533', // clmul a0, a1, a2
  zba: 'sh1add a0, a1, a2',
  zbb: 'andn a0, a1, a2',
  zbc: '.word 0x0ac59533', // clmul a0, a1, a2
  zbkb: '.word 0x6875d513', // brev8 a0, a1
  zbkx: '.word 0x28c5a533', // xperm4 a0, a1, a2
  zbs: 'bset a0, a1, a2',
  zkne: '.word 0x32c58533', // aes64es a0, a1, a2
  zknd: '.word 0x3ac58533', // aes64ds a0, a1, a2
  zknh: '.word 0x10259513', // sha256sig0 a0, a1
  zksed: 'sm4ed a0, a1, a2, 0',
  zksh: 'sm3p0 a0, a1',
  zkr: '.word 0x01501573', // csrrw a0, seed, x0
  // An address with a tag, which the firmware has said is to be ignored.
  smnpm: 'li a0, 1; slli a0, a0, 62; lui a1, 1; add a1, a1, s3; or a0, a0, a1; ld a0, (a0)',
  ssnpm:
    'li t0, 3; slli t0, t0, 32; csrs senvcfg, t0; csrr a0, senvcfg; and a0, a0, t0; bnez a0, 1f; ebreak\n1:',
  ssstateen: '.word 0x10c02573', // csrr a0, sstateen0
  ssaia: '.word 0x15002573', // csrr a0, siselect
  sscofpmf: '.word 0xda002573', // csrr a0, scountovf
  sstc: 'csrr a0, stimecmp',
  // The accessed bit is 0 before, and must be 1 afterwards.
  svadu: 'ld a0, (s3); li t0, 0x80402000; ld a0, (t0); andi a0, a0, 0x40; bnez a0, 1f; ebreak\n1:',
  // The bit is 0 and stays 0 where the access faults.
  svade: 'la s2, 1f; ld a0, (s3); li s1, 48; j 2f; 1: li s1, 49; 2:',
  svinval: 'sfence.w.inval; sinval.vma x0, x0; sfence.inval.ir',
  svnapot: 'lui a0, 16; add a0, a0, s3; ld a0, (a0)',
  svpbmt: 'lui a0, 2; add a0, a0, s3; ld a0, (a0)',
};

/** Prints a 1 for each of {@link USES} that executes without a trap, else a 0. */
const sMode = `
  la t0, trap; csrw stvec, t0
  ${PAGES}
  ${Object.values(USES)
    .map(
      (code, index) => `
        li s1, 49; la s2, after${index}
        ${code}
        after${index}: li t0, 0x10000000; sb s1, (t0)`,
    )
    .join('\n')}
  ${finish(0x5555)}
  stay: j stay
  .align 2
  trap: li s1, 48; csrw sepc, s2; li t0, 0x100; csrs sstatus, t0; sret
`;

/** Firmware that opens all to S-mode that there is. */
const mMode = `
  li t0, -1; csrw pmpaddr0, t0; csrw medeleg, t0; csrw menvcfg, t0; csrw mcounteren, t0
  li t0, 0x1f; csrw pmpcfg0, t0
  la t0, opened; csrw mtvec, t0; li t0, -1; .word 0x30c29073 # csrw mstateen0, t0
  .align 2
  opened:
  la t0, start; csrw mepc, t0
  li t0, 0x1800; csrc mstatus, t0; li t0, 0x800; csrs mstatus, t0
  mret
  start:
`;

async function usable(config: MachineConfig): Promise<string[]> {
  const { end, output } = await runMachine(config, 60_000);
  expect(end).toEqual({ reason: 'poweroff' });
  expect(output).toHaveLength(Object.keys(USES).length);
  return Object.keys(USES).filter((_, index) => output[index] === '1');
}

const domain: MachineConfig = {
  kind: 'domain',
  vcpus: 1,
  pcpus: 1,
  memoryBytes: 16 * MIB,
  protocol: 'take-mirror',
  kernel: guestProgram(sMode),
  bootArgs: '',
};
const bare: MachineConfig = {
  kind: 'bare',
  harts: 1,
  memoryBytes: 16 * MIB,
  program: bareProgram(mMode + sMode),
};

describe('the device tree lists what can be used, neither more nor less', () => {
  const imsic = 'aplic-imsic';
  const all = EXTENSION_NAMES.filter((name) => EXTENSIONS[name].fixed !== true).map((name) => `${name}=off`);
  const bound = readCpu(`rv64,${all.join(',')}`).extensions;
  test.each([
    domain,
    bare,
    { ...domain, aia: imsic } as const,
    { ...bare, aia: imsic } as const,
    // Each extension that can be left out.
    { ...domain, extensions: bound },
    { ...bare, extensions: bound },
    // One that is there on demand.
    { ...domain, extensions: readCpu('rv64,ssstateen=on').extensions },
    { ...bare, extensions: readCpu('rva22s64').extensions },
    { ...bare, extensions: readCpu('rva23s64').extensions },
    { ...domain, extensions: readCpu('rv64,zvbb=on,zvkn=on,zvksh=on,zacas=on').extensions },
    { ...bare, extensions: readCpu('rv64,zvfh=on,zvbc=on,zvkt=on,zvknha=on,zvksg=on').extensions },
  ])('in a machine of kind $kind, $aia, $extensions', async (config) => {
    const listed = advertisedExtensions(config, config.extensions).filter(
      (name) =>
        !UNTESTABLE.has(name) &&
        !/^zv[el]/.test(name) &&
        !(isExtension(name) && EXTENSIONS[name].brings.startsWith('promise')),
    );
    expect((await usable(config)).toSorted()).toEqual(listed.toSorted());
  });
});
