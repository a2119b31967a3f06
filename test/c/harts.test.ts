import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readElf } from '../../src/boot/elf.ts';
import type { BareProgram } from '../../src/machine/bare/boot.ts';
import { runMachine } from '../machine/run-machine.ts';
import { compile, missing, RISCV } from './compilers.ts';

const HARTS = 5;
const COUNT = 2000;
/** A machine that hangs is stopped after this, and has printed nothing then. */
const LIMIT_MS = 240_000;

const scratch = mkdtempSync(join(tmpdir(), 'hartvisor-c-harts-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const [compiler] = RISCV;
const reason = missing(compiler);
if (reason !== undefined) console.warn(`harts.test: ${reason}, so c/vcpu_irqs.h is not tried on harts`);

function program(): BareProgram {
  const elf = join(scratch, 'harts.elf');
  const link = ['-Wl,-n,-Ttext=0x80000000,--entry=_start,--build-id=none'];
  const pieces = ['-march=rv64imac_zicsr', '-mno-relax', '-msmall-data-limit=0', `-DCOUNT=${COUNT}`];
  compile(compiler, elf, [...pieces, ...link, 'harts.c']);
  const image = { kind: 'elf' as const, elf: readElf(readFileSync(elf), elf), source: elf };
  return { kind: 'program', image };
}

describe.skipIf(reason !== undefined)('harts of a bare machine', () => {
  test(
    'exactly what was sent arrives',
    async () => {
      const { end, output } = await runMachine(
        { kind: 'bare', harts: HARTS, memoryBytes: 16 << 20, program: program() },
        LIMIT_MS,
      );
      expect(output).toMatch(
        new RegExp(`^PASS taken ${COUNT} and ${COUNT}, answers ${COUNT}, moves \\d+, sleeps [1-9]\\d*\r?\n$`),
      );
      expect(end).toEqual({ reason: 'poweroff' });
    },
    LIMIT_MS + 30_000,
  );
});
