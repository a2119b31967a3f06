import { execFile, execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { findToolchain } from '../toolchain.ts';
import { buildTick } from './build.ts';

const here = import.meta.dirname;
const QEMU = 'qemu-system-riscv64';

/** The reason why these tests cannot run here, or undefined. */
function missing(): string | undefined {
  try {
    execFileSync(QEMU, ['--version'], { stdio: 'ignore' });
  } catch {
    return `${QEMU} is not installed`;
  }
  return findToolchain() === undefined ? 'riscv64-linux-gnu-gcc is not installed' : undefined;
}

const reason = missing();
if (reason !== undefined) console.warn(`tick.qemu.test: ${reason}, so tick is not tried on QEMU`);

const scratch = mkdtempSync(join(tmpdir(), 'tick-qemu-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let runs = 0;

/**
 * Runs a tick ELF on QEMU and answers its output. Without the AIA extensions QEMU 7.2 takes simultaneous interrupts
 * in the wrong order, and its Sstc leaves STIP set now and then, so both are chosen to suit the strict checks. OpenSBI
 * 1.1 starts a hart at the wrong place once in a while: lenient=4 (see README.md). The output goes to a file because
 * QEMU drops characters when a pipe is full.
 */
async function onQemu(elf: string, harts: number, bootargs: string, board = 'virt'): Promise<string> {
  const machine = ['-M', board, '-cpu', 'rv64,sstc=false,x-smaia=true,x-ssaia=true', '-smp', `${harts}`];
  const log = join(scratch, `${runs++}.log`);
  const console = ['-m', '128M', '-display', 'none', '-monitor', 'none', '-serial', `file:${log}`];
  await promisify(execFile)(QEMU, [...machine, ...console, '-kernel', elf, '-append', bootargs], {
    timeout: 50_000,
  });
  return readFileSync(log, 'latin1');
}

/** A defect put into the kernel, as if the machine under it had it, and the verdict that must follow. */
interface Defect {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly verdict: RegExp;
  /** That the run takes if nothing is noticed; 6 unless given. */
  readonly seconds?: number;
}

const defects: readonly Defect[] = [
  {
    name: 'one IPI is lost',
    file: 'ipi.c',
    from: '\tlong error = sbi_send_ipi(mask, base);',
    to: '\tlong error = h->index == 1 && h->calls % 64 == 63 ? 0 : sbi_send_ipi(mask, base);',
    verdict: /FAIL hart \d(: an IPI of hart 1 was lost| made no progress for 2 s)/,
  },
  {
    name: 'one software interrupt comes from nowhere at rest',
    file: 'main.c',
    from: '\tword ssis = h->ssis, external',
    to: '\tif (h->index == 1 && h->rounds > 30) csr_set(sip, SOFT);\n\tword ssis = h->ssis - (h->rounds > 30 && h->index == 1), external',
    verdict: /FAIL hart 1: .*came from nowhere/,
  },
  {
    name: 'a software interrupt is delivered twice',
    file: 'ipi.c',
    from: '\tcheck_bound(h);\n}\n\n/* The sender',
    to: '\tcheck_bound(h);\n\tif (h->ssis % 16 == 0) csr_set(sip, SOFT);\n}\n\n/* The sender',
    verdict: /FAIL hart \d: .*came from nowhere/,
  },
  {
    name: 'a timer comes early',
    file: 'timer.c',
    from: '\tlong error = sbi_set_timer(deadline);',
    to: '\tlong error = sbi_set_timer(deadline == NEVER ? deadline : deadline - 1000);',
    verdict:
      /FAIL hart \d: (a timer interrupt \d+ ticks before its deadline|made no progress|broken rule: interrupts pending)/,
  },
  {
    name: 'a cancelled timer fires',
    file: 'timer.c',
    from: '\tlong error = sbi_set_timer(deadline);',
    to: '\tlong error = deadline == NEVER ? 0 : sbi_set_timer(deadline);',
    verdict: /FAIL hart \d (made no progress|: a timer interrupt with no deadline armed)/,
  },
  {
    name: 'a timer is lost',
    file: 'timer.c',
    from: '\tlong error = sbi_set_timer(deadline);',
    to: '\tlong error = sbi_set_timer(h->index == 1 && h->armed % 16 == 15 ? NEVER : deadline);',
    verdict: /FAIL hart \d made no progress for 2 s/,
  },
  {
    name: 'an external interrupt is lost',
    file: 'uart.c',
    from: '\twrite(IER, IER_THRI);\n',
    to: '\tstatic int times;\n\twrite(IER, times++ == 20 ? 0 : IER_THRI);\n',
    verdict: /FAIL hart \d made no progress for 2 s/,
  },
  {
    name: 'an external interrupt reaches another hart as well',
    file: 'plic.c',
    from: '\twrite(0x200000 + 0x1000',
    to: '\tfor (word i = 0; i < machine.harts; i++)\n\t\twrite(0x2000 + 0x80 * harts[i].plic_context, 1UL << machine.uart_irq);\n\twrite(0x200000 + 0x1000',
    verdict: /FAIL hart \d: (an external interrupt with nothing to claim|got the UART's interrupt)/,
  },
  {
    name: 'a remote fence leaves a stale translation',
    file: 'fence.c',
    from: 'sbi_sfence_vma(others, 0,',
    to: 'sbi_sfence_vma(others & 0, 0,',
    verdict: /FAIL hart \d: after the remote sfence\.vma of hart \d it sees/,
  },
  {
    name: 'an atomic addition is not atomic',
    file: 'count.c',
    from: '__atomic_fetch_add(&by_amo, 1, __ATOMIC_RELAXED);',
    // Wide enough that harts meet in it, however few of the host's processors they have.
    to: '{ unsigned long seen = by_amo; for (volatile int i = 0; i < 5000; i++); by_amo = seen + 1; }',
    verdict: /FAIL amoadd\.d lost or invented an addition/,
    // The sums are compared in the end.
    seconds: 3,
  },
  {
    name: 'an interrupt is taken an instruction late or early',
    file: 'trap.S',
    from: 'irq_open_next:\n\tret',
    to: '\tnop\nirq_open_next:\n\tret',
    verdict:
      /FAIL hart \d: broken rule: .*(taken where sstatus\.SIE is set|come as external, software, timer)/,
  },
];

describe.skipIf(reason !== undefined)('tick on QEMU', () => {
  it.each([1, 2, 4])('passes on %i harts', async (harts) => {
    const output = await onQemu(join(here, 'tick.elf'), harts, 'rounds=48 lenient=4');
    expect(output).toMatch(/^tick: PASS\r$/m);
    expect(output).toMatch(new RegExp(`^tick: ${harts} harts`, 'm'));
  });

  it.each([1, 2])('passes with interrupt files on %i harts', async (harts) => {
    const output = await onQemu(
      join(here, 'tick.elf'),
      harts,
      'rounds=48 lenient=12',
      'virt,aia=aplic-imsic',
    );
    expect(output).toMatch(/^tick: \d+ messages by \d+ claims\r$/m);
    expect(output).toMatch(/^tick: PASS\r$/m);
  });

  it.each(defects)('fails when $name', async ({ name, file, from, to, verdict, seconds = 6 }) => {
    const copy = join(scratch, name.replaceAll(/\W/g, '-'));
    mkdirSync(copy);
    cpSync(here, copy, { recursive: true, filter: (path) => !path.endsWith('.elf') });
    const source = readFileSync(join(copy, file), 'utf8');
    expect(source.split(from).length, 'the place of the defect occurs once in the source').toBe(2);
    writeFileSync(
      join(copy, file),
      source.replace(from, () => to),
    );
    buildTick(copy, join(copy, 'tick.elf'));
    const words = `seconds=${seconds} watchdog=2 lenient=4`;
    expect(await onQemu(join(copy, 'tick.elf'), 2, words)).toMatch(verdict);
  });
});
