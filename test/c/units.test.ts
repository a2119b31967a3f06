import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Compiler, compile, HOST, missing, RISCV } from './compilers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'hartvisor-c-units-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** The macros that the header may be used with. */
const USES: readonly (readonly string[])[] = [
  [],
  ['-DVCPU_IRQS_LINUX', '-include', 'kernels.h'],
  ['-DVCPU_IRQS_XEN', '-include', 'kernels.h'],
  ['-include', 'mapped.h'],
];

const COMPILERS: readonly Compiler[] = [HOST, ...RISCV];

for (const compiler of COMPILERS) {
  const reason = missing(compiler);
  if (reason !== undefined)
    console.warn(`units.test: ${reason}, so nothing is compiled for ${compiler.name}`);

  describe.skipIf(reason !== undefined)(`c/vcpu_irqs.h for ${compiler.name}`, () => {
    test.each(USES.map((use) => [use]))('compiles without a warning: %j', (use) => {
      for (const [level, numbers] of [
        ['-O0', 64],
        ['-O2', 64],
        ['-O2', 32],
      ]) {
        const args = [...use, `${level}`, `-DVCPU_IRQS_NR=${numbers}`, '-c', 'functions.c'];
        compile(compiler, join(scratch, 'functions.o'), args);
      }
    });
  });
}

const reason = missing(HOST);

describe.skipIf(reason !== undefined)('each function by itself', () => {
  test.each(USES.map((use) => [use]))('of one word and of two: %j', (use) => {
    for (const numbers of [32, 64]) {
      const program = join(scratch, 'units');
      compile(HOST, program, [...use, `-DVCPU_IRQS_NR=${numbers}`, 'units.c']);
      expect(execFileSync(program, { encoding: 'utf8' })).toBe('PASS\n');
    }
  });
});
