/**
 * Makes expected.h: the results of arithmetic.c on the processor at hand, by the host's gcc, and SHA-256 digests by
 * Node's crypto. The guest compares its own results with them.
 *
 *     node guests/soak/expected.ts        writes guests/soak/expected.h
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const BLOCKS = 48;
const DIGESTS = 32;

const PROGRAM = `
#include <inttypes.h>
#include <stdio.h>
uint64_t integer_block(uint64_t), float_block(uint64_t);
int main(void) {
  for (int i = 0; i < ${BLOCKS}; i++) printf("0x%016" PRIx64 "\\n", integer_block(i));
  for (int i = 0; i < ${BLOCKS}; i++) printf("0x%016" PRIx64 "\\n", float_block(i));
}`;

/** Results of both kinds of block as C constants. @throws when there is no gcc for the host */
function blockResults(): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'soak-expected-'));
  try {
    const main = join(directory, 'main.c');
    const program = join(directory, 'main');
    writeFileSync(main, PROGRAM);
    const source = join(import.meta.dirname, 'arithmetic.c');
    const flags = ['-O1', '-std=gnu17', '-ffp-contract=off', '-fno-math-errno'];
    execFileSync('gcc', [...flags, main, source, '-lm', '-o', program]);
    return execFileSync(program, { encoding: 'utf8' }).trim().split('\n');
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Of the message number `which`: that many blocks of 64 bytes and one, with contents as sha256.c makes them. */
function digest(which: number): string {
  const message = Uint8Array.from({ length: 64 * (which + 1) }, (_, index) => index * 7 + which);
  const words = createHash('sha256').update(message).digest('hex').match(/.{8}/g) ?? [];
  return words.map((word) => `0x${word}`).join(', ');
}

/** The text of expected.h. @throws when there is no gcc for the host */
export function expectedHeader(): string {
  const results = blockResults();
  const table = (name: string, values: readonly string[]) =>
    `static const uint64_t ${name}[EXPECTED_BLOCKS] = {\n${values.map((value) => `    ${value},`).join('\n')}\n};\n`;
  const digests = Array.from({ length: DIGESTS }, (_, which) => `    {${digest(which)}},`);
  return [
    '/* Made by expected.ts. */',
    '#include <stdint.h>',
    `enum { EXPECTED_BLOCKS = ${BLOCKS}, EXPECTED_DIGESTS = ${DIGESTS}, SHA256_MAXIMUM = 64 * EXPECTED_DIGESTS };`,
    '#pragma GCC diagnostic ignored "-Wunused-variable"',
    table('expected_integer', results.slice(0, BLOCKS)),
    table('expected_float', results.slice(BLOCKS)),
    `static const uint32_t expected_digests[EXPECTED_DIGESTS][8] = {\n${digests.join('\n')}\n};\n`,
  ].join('\n');
}

if (import.meta.main) writeFileSync(join(import.meta.dirname, 'expected.h'), expectedHeader());
