import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findToolchain, type Toolchain } from '../toolchain.ts';
import { AGENT_WIDTHS, buildAgent } from './build.ts';
import { protocolHeader } from './header.ts';

const here = import.meta.dirname;
const manifest = JSON.parse(readFileSync(join(here, 'agent.json'), 'utf8')) as Toolchain;
const toolchain = findToolchain();
if (toolchain === undefined)
  console.warn(
    'agent.test: riscv64-linux-gnu-gcc is not installed, so the agent is not compared with its sources',
  );

test('protocol.h has the numbers of src/agent/protocol.ts', () => {
  expect(readFileSync(join(here, 'protocol.h'), 'utf8')).toBe(protocolHeader());
});

describe.each([32, 64] as const)('the agent for RV%d', (xlen) => {
  const { file } = AGENT_WIDTHS[xlen];
  const checkedIn = readFileSync(join(here, file));
  const scratch = mkdtempSync(join(tmpdir(), 'agent-test-'));
  afterAll(() => rmSync(scratch, { recursive: true }));

  test('is a small stripped RISC-V executable', () => {
    expect(checkedIn.subarray(0, 5).toString('latin1')).toBe(`\x7fELF${xlen === 64 ? '\x02' : '\x01'}`);
    expect(checkedIn.readUInt16LE(16), 'e_type is EXEC').toBe(2);
    expect(checkedIn.readUInt16LE(18), 'e_machine is RISC-V').toBe(243);
    expect(checkedIn.includes('.symtab'), 'has symbols').toBe(false);
    expect(checkedIn.length).toBeLessThan(32 * 1024);
  });

  // Other versions give other bytes, so there the comparison cannot say anything: the test names what it needs.
  test.skipIf(toolchain === undefined)('is what the sources build', () => {
    expect(toolchain, 'agent.json names the versions that it is built with; use these').toEqual(manifest);
    const rebuilt = join(scratch, file);
    buildAgent(here, rebuilt, xlen);
    expect(
      readFileSync(rebuilt).equals(checkedIn),
      `${file} differs from a fresh build; run node guests/agent/build.ts and commit it with the sources`,
    ).toBe(true);
  });
});
