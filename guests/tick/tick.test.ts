import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findToolchain, type Toolchain } from '../toolchain.ts';
import { buildTick } from './build.ts';

const here = import.meta.dirname;
const manifest = JSON.parse(readFileSync(join(here, 'tick.json'), 'utf8')) as Toolchain;
const toolchain = findToolchain();
if (toolchain === undefined)
  console.warn(
    'tick.test: riscv64-linux-gnu-gcc is not installed, so the ELF files are not compared with their sources',
  );

describe.each([
  { name: 'tick.elf', xlen: 64, elfClass: '\x02' },
  { name: 'tick-rv32.elf', xlen: 32, elfClass: '\x01' },
] as const)('$name', ({ name, xlen, elfClass }) => {
  const checkedIn = readFileSync(join(here, name));
  const scratch = mkdtempSync(join(tmpdir(), 'tick-test-'));
  afterAll(() => rmSync(scratch, { recursive: true }));

  it('is a small stripped RISC-V executable that starts at 0x80200000', () => {
    expect(checkedIn.subarray(0, 6).toString('latin1')).toBe(`\x7fELF${elfClass}\x01`);
    expect(checkedIn.readUInt16LE(16), 'e_type is EXEC').toBe(2);
    expect(checkedIn.readUInt16LE(18), 'e_machine is RISC-V').toBe(243);
    expect(checkedIn.readUInt32LE(24), 'e_entry').toBe(0x8020_0000);
    expect(checkedIn.includes('.symtab'), 'has symbols').toBe(false);
    expect(checkedIn.length).toBeLessThan(64 * 1024);
  });

  // Other versions give other bytes, so there the comparison cannot say anything: the test names what it needs.
  it.skipIf(toolchain === undefined)('is what the sources build', () => {
    expect(toolchain, 'tick.json names the versions that tick.elf is built with; use these').toEqual(
      manifest,
    );
    const rebuilt = join(scratch, name);
    buildTick(here, rebuilt, { xlen });
    expect(
      readFileSync(rebuilt).equals(checkedIn),
      `${name} differs from a fresh build; run node guests/tick/build.ts and commit it with the sources`,
    ).toBe(true);
  });
});
