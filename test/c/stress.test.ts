import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, HOST, missing } from './compilers.ts';

const scratch = mkdtempSync(join(tmpdir(), 'hartvisor-c-stress-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const reason = missing(HOST);
if (reason !== undefined) console.warn(`stress.test: ${reason}, so c/vcpu_irqs.h is not tried with threads`);

let builds = 0;

/** Runs the stress, however long it takes. */
async function stress(count: number, crowd: number, args: readonly string[] = []): Promise<string> {
  const program = join(scratch, `threads-${builds++}`);
  compile(HOST, program, [...args, 'threads.c']);
  const { stdout } = await promisify(execFile)(program, [`${count}`, `${crowd}`]).catch((error) => error);
  return stdout;
}

describe.skipIf(reason !== undefined)('threads of the host', () => {
  test.each([32, 64])('exactly what was sent arrives, with %i numbers', async (numbers) => {
    expect(await stress(20_000, 0, [`-DVCPU_IRQS_NR=${numbers}`])).toMatch(
      /^PASS sent 20000 and 20000, taken 20000 and 20000, exits \d+, moves \d+, sleeps [1-9]\d*\n$/,
    );
  });

  test('nothing of a crowd is lost, and no more comes than was sent', async () => {
    expect(await stress(5000, 100_000)).toMatch(/^PASS sent 205000 and 5000, taken \d+ and 5000,/);
  });

  test('with macros that are mapped from outside', async () => {
    expect(await stress(5000, 5000, ['-include', 'mapped.h'])).toMatch(/^PASS/);
  });

  test('a take that is not one access loses something, and that is noticed', async () => {
    expect(await stress(1_000_000, 0, ['-include', 'mapped.h', '-DTAKE_IN_TWO'])).toMatch(/^FAIL /);
  });
});
