/**
 * The tick guest on machines with interrupt files: every message that is told arrives, none comes from nowhere, and
 * what keeps them back (enable bits, thresholds, delivery, disabled sources) does so. And it notices what is broken.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { buildTick } from '../guests/tick/build.ts';
import { findToolchain } from '../guests/toolchain.ts';
import { readKernel } from '../src/boot/kernel-image.ts';
import { type MachineRun, runMachine } from './machine/run-machine.ts';

const LIMIT_MS = 240_000;
const ROOT = join(import.meta.dirname, '..');
const TICK = join(ROOT, 'guests', 'tick');

interface Shape {
  readonly vcpus: number;
  readonly pcpus: number;
  readonly xlen?: 32 | 64;
}

async function runTick(
  elf: string,
  { vcpus, pcpus, xlen = 64 }: Shape,
  bootArgs: string,
): Promise<MachineRun> {
  const kernel = await readKernel(readFileSync(elf), elf, {}, xlen);
  const memoryBytes = 32 * 1024 * 1024;
  const machine = {
    kind: 'domain',
    aia: 'aplic-imsic',
    protocol: 'take-mirror',
    memoryBytes,
    debug: true,
  } as const;
  return runMachine({ ...machine, xlen, vcpus, pcpus, kernel, bootArgs }, LIMIT_MS);
}

/** The row for all harts of the table of messages, columns by name. */
function messagesOf(output: string): Readonly<Record<string, number>> {
  const lines = output.split(/\r?\n/).map((line) => line.trim().split(/\s+/));
  const head = lines.findIndex((words) => words[0] === 'hart' && words.includes('claims'));
  const all = lines.slice(head).find((words) => words[0] === 'all') ?? [];
  return Object.fromEntries((lines[head] ?? []).map((name, column) => [name, Number(all[column])]));
}

describe('tick with interrupt files', () => {
  test.each([
    { vcpus: 1, pcpus: 1, xlen: 64 },
    { vcpus: 2, pcpus: 2, xlen: 64 },
    { vcpus: 4, pcpus: 2, xlen: 64 },
    { vcpus: 8, pcpus: 2, xlen: 64 },
    { vcpus: 1, pcpus: 1, xlen: 32 },
    { vcpus: 4, pcpus: 2, xlen: 32 },
  ] as const)(
    'loses nothing and gets nothing from nowhere on $vcpus vCPUs of RV$xlen over $pcpus pCPUs',
    async (shape) => {
      const elf = join(TICK, shape.xlen === 32 ? 'tick-rv32.elf' : 'tick.elf');
      // Enough of them that a hart does everything that it chooses by chance.
      const rounds = Math.max(48, 128 / shape.vcpus);
      const { end, output, stats } = await runTick(elf, shape, `rounds=${rounds}`);
      expect(output).toContain('tick: PASS');
      expect(end).toEqual({ reason: 'poweroff' });
      expect(output).toContain('messages by IMSIC, 255 identities; APLIC with 96 sources');
      // The machine has the registers of both byte orders, and a local interrupt that guests raise by themselves.
      expect(output).toMatch(/tick: \d+ messages by \d+ claims, in both byte orders/);
      const messages = messagesOf(output);
      for (const name of ['claims', 'wired', 'asks', 'masks', 'locals']) {
        expect(messages[name], name).toBeGreaterThan(0);
      }
      const delivered = stats.reduce((sum, { deliveredExternal }) => sum + deliveredExternal, 0);
      expect(delivered).toBe(messages['msi-traps']);
    },
    LIMIT_MS + 20_000,
  );
});

const scratch = mkdtempSync(join(tmpdir(), 'tick-aia-'));
afterAll(() => rmSync(scratch, { recursive: true }));

/** A defect put into a source file, and the verdict of tick that must follow. */
interface Defect {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly verdict: RegExp;
}

/** The source with the defect. */
function defective(directory: string, { file, from, to }: Defect): string {
  const source = readFileSync(join(directory, file), 'utf8');
  expect(source.split(from).length, `the place of the defect occurs once in ${file}`).toBe(2);
  return source.replace(from, () => to);
}

/** In the guest, as if the machine under it had them. */
const guestDefects: readonly Defect[] = [
  {
    name: 'a message is lost',
    file: 'msi.c',
    from: '\t\tpage[0] = (u32)identity;\n\t}',
    to: '\t\tif (h->index != 1 || h->claims % 64 != 63)\n\t\t\tpage[0] = (u32)identity;\n\t}',
    verdict: /FAIL hart \d(: a message with identity \d+ was lost| made no progress for 2 s|: broken rule)/,
  },
  {
    name: 'a message is delivered twice',
    file: 'msi.c',
    from: '\tcheck_bound(h, identity);\n\tanswer(h);',
    to: '\tcheck_bound(h, identity);\n\tif (h->claims % 64 == 63)\n\t\timsic_set_pending(identity);\n\tanswer(h);',
    verdict: /FAIL hart \d: \d+ claims of identity \d+ for \d+ messages: one came from nowhere/,
  },
  {
    name: 'a message has another identity',
    file: 'aplic.c',
    from: '\twrite(GENMSI, target_of(to, identity));',
    to: '\twrite(GENMSI, target_of(to, identity ^ 2));',
    // The other identity may be the UART's.
    verdict:
      /FAIL hart \d: (\d+ claims of identity \d+ for|a message with identity|claimed identity|got the UART's|broken rule)/,
  },
  {
    name: 'an identity cannot be disabled',
    file: 'imsic.c',
    from: '\t\tfile_clear(reg, bit_of(identity));\n}\n\nint',
    to: '\t\tfile_clear(reg, 0);\n}\n\nint',
    verdict: /FAIL hart \d: claimed identity \d+, which is disabled/,
  },
  {
    name: 'there is no threshold',
    file: 'imsic.c',
    from: 'file_write(EITHRESHOLD, identity);',
    to: 'file_write(EITHRESHOLD, identity & 0);',
    verdict: /FAIL hart \d: claimed identity \d+ with a threshold of \d+/,
  },
  {
    name: 'interrupts are delivered though delivery is off',
    file: 'imsic.c',
    from: 'file_write(EIDELIVERY, on != 0);',
    to: 'file_write(EIDELIVERY, on | 1);',
    verdict: /FAIL hart \d: broken rule: nothing is taken without delivery/,
  },
  {
    name: 'a source tells nobody',
    file: 'msi.c',
    from: '\t\taplic_raise(h, source);\n\t\texact_check',
    to: '\t\tif (h->wired % 16 != 15)\n\t\t\taplic_raise(h, source);\n\t\texact_check',
    verdict: /FAIL hart \d(: a message with identity \d+ was lost| made no progress for 2 s)/,
  },
  {
    name: 'a disabled source tells',
    file: 'aplic.c',
    from: 'write(on ? SETIENUM : CLRIENUM, source);',
    to: 'write(on ? SETIENUM : SETIENUM, source);',
    verdict:
      /FAIL hart \d: (broken rule: a disabled source stays pending|\d+ claims of identity|a message with)/,
  },
  {
    name: 'a source tells another hart',
    file: 'aplic.c',
    from: 'target_of(h, uart_identity));',
    to: 'target_of(&harts[1 - h->index], uart_identity));',
    verdict: /FAIL hart \d: got the UART's interrupt, which is not routed to it/,
  },
  {
    name: 'a local interrupt comes twice',
    file: 'masks.c',
    from: '\th->raised = 0;\n\tlocal_write(number, 0);',
    to: '\th->raised = 0;\n\tlocal_write(number, h->locals % 4 == 3);',
    verdict: /FAIL hart \d: local interrupt \d+ came from nowhere/,
  },
];

describe.skipIf(findToolchain() === undefined)('tick notices that', () => {
  test.each(guestDefects)(
    '$name',
    async (defect) => {
      const copy = join(scratch, defect.name.replaceAll(/\W/g, '-'));
      cpSync(TICK, copy, { recursive: true, filter: (path) => !path.endsWith('.elf') });
      writeFileSync(join(copy, defect.file), defective(copy, defect));
      const elf = join(copy, 'tick.elf');
      buildTick(copy, elf);
      const { end, output } = await runTick(elf, { vcpus: 2, pcpus: 2 }, 'seconds=20 watchdog=2');
      expect(output).toMatch(defect.verdict);
      expect(end.reason).toBe('failure');
    },
    LIMIT_MS + 20_000,
  );
});

/** Seconds that a machine gets beside those that tick is to run, which are plenty unless the host is very busy. */
const BESIDE = 10;
/** Seconds for one without a defect, which ends by itself. */
const PLENTY = 80;

/** In the machine itself. */
const machineDefects: readonly Defect[] = [
  {
    name: 'a claim takes its neighbours away',
    file: 'src/interrupts/interrupt-file.ts',
    from: 'Atomics.and(this.words, PENDING + (top >>> 5), ~(1 << (top & 31)));',
    to: 'Atomics.store(this.words, PENDING + (top >>> 5), 0);',
    verdict: /FAIL hart \d: (a message with identity \d+ was lost|broken rule)/,
  },
  {
    name: 'a claim sometimes claims nothing',
    file: 'src/interrupts/interrupt-file.ts',
    from: '    if (top !== 0) Atomics.and(',
    to: '    if (top !== 0 && Math.random() > 0.05) Atomics.and(',
    // One of the second claims may be that of a wire, whose handler then finds a UART that wants nothing.
    verdict:
      /FAIL (hart \d: \d+ claims of identity \d+ for \d+ messages: one came from nowhere|the UART interrupted but its IIR)/,
  },
  {
    name: 'a message wakes nobody',
    file: 'src/devices/imsic/descriptor.ts',
    from: '      onArrival: hartChanged,',
    to: '      onArrival: () => undefined,',
    // Interrupts of other kinds wake harts as well, for a while. A guest all of whose harts sleep says nothing.
    verdict: /FAIL hart \d made no progress for 2 s|The guest still ran after 30 s/,
  },
];

/**
 * A module for Node to load in every thread before all else (`--require`; it does not `--import` where a thread's code
 * is given as text): it gives the defective source in the place of the file.
 */
function loader(name: string, defect: Defect): string {
  const url = pathToFileURL(join(ROOT, defect.file)).href;
  const path = join(scratch, `${name.replaceAll(/\W/g, '-')}.cjs`);
  const text = `require('node:module').registerHooks({
      load(url, context, next) {
        const loaded = next(url, context);
        return url === ${JSON.stringify(url)} ? { ...loaded, source: ${JSON.stringify(defective(ROOT, defect))} } : loaded;
      },
    });`;
  writeFileSync(path, text);
  return path;
}

describe('tick notices a machine in which', () => {
  /** The output of a run on both of its streams. */
  function run(seconds: number, timeout: number, nodeOptions: readonly string[] = []): Promise<string> {
    const options = { guest: 'tick', aia: 'aplic-imsic', smp: 2, pcpus: 2, timeout };
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    const args = [...nodeOptions, join(ROOT, 'src/cli/main.ts'), 'run', ...words];
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        [...args, '--append', `seconds=${seconds} watchdog=2`],
        { timeout: LIMIT_MS },
        (_error, stdout, stderr) => resolve(stdout + stderr),
      );
    });
  }

  test.each(machineDefects)(
    '$name',
    async (defect) => {
      const output = await run(20, 20 + BESIDE, ['--require', loader(defect.name, defect)]);
      expect(output).toMatch(defect.verdict);
    },
    LIMIT_MS + 20_000,
  );

  test(
    'nothing of all this, which is right',
    async () => {
      expect(await run(2, PLENTY)).toContain('tick: PASS');
    },
    LIMIT_MS + 20_000,
  );
});
