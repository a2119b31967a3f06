/**
 * Boots Linux many times in a row and checks each boot: userspace reached on all vCPUs, a clean power-off, and nothing
 * in the log that a kernel prints when something is wrong.
 *
 *     node scripts/boots.ts [--count N] [--shapes VxP,...] [--timeout S] [--aia WORD] [--logs DIR] [-- OPTIONS]
 *
 * With `--aia aplic-imsic` interrupts between vCPUs and those of devices have to come by messages.
 * OPTIONS go to `hartvisor run` unchanged: `--kernel`, `--protocol` and so on. The exit status is 0 if every boot
 * was good. Logs of bad boots are kept in DIR, a new one unless given; their names are printed.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Boot,
  faultsOf,
  guestCommand,
  parseShapes,
  type Row,
  type Shape,
  table,
} from './boot-verdict.ts';

/** Seconds that hartvisor may take beyond its own --timeout before it is killed. */
const GRACE = 30;

const { values, positionals } = readArguments(() =>
  parseArgs({
    options: {
      count: { type: 'string', default: '20' },
      shapes: { type: 'string', default: '1x1,2x2,4x2,8x1' },
      timeout: { type: 'string', default: '300' },
      aia: { type: 'string', default: 'none' },
      logs: { type: 'string' },
      // Another program in place of the CLI, for the test of this script.
      cli: { type: 'string', default: join(import.meta.dirname, '..', 'src', 'cli', 'main.ts') },
    },
    allowPositionals: true,
  }),
);

const count = readArguments(() => readNumber('count'));
const timeout = readArguments(() => readNumber('timeout'));

/** A mistake on the command line gets one line, and status 2. */
function readArguments<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`boots: ${error instanceof Error ? error.message.split('\n')[0] : error}\n`);
    process.exit(2);
  }
}

function readNumber(name: 'count' | 'timeout'): number {
  const number = Number(values[name]);
  if (!Number.isInteger(number) || number < 1)
    throw new RangeError(`--${name} ${values[name]} is not 1 or more`);
  return number;
}

function boot({ vcpus, pcpus }: Shape): Promise<Boot> {
  const shape = ['--smp', `${vcpus}`, '--pcpus', `${pcpus}`, '--timeout', `${timeout}`];
  const words = ['--aia', values.aia, '--append', `hartvisor.run="${guestCommand}"`];
  const args = [values.cli, 'run', ...shape, ...words, ...positionals];
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (timeout + GRACE) * 1000,
    killSignal: 'SIGKILL',
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => {
      resolve({ status: status ?? undefined, log, seconds: (performance.now() - started) / 1000 });
    });
  });
}

async function bootAll(shape: Shape): Promise<Row> {
  const seconds: number[] = [];
  let good = 0;
  for (let number = 1; number <= count; number++) {
    const result = await boot(shape);
    const faults = faultsOf(result, shape, values.aia === 'aplic-imsic');
    seconds.push(result.seconds);
    if (faults.length === 0) good++;
    const name = `smp ${shape.vcpus} pcpus ${shape.pcpus} boot ${number} of ${count}`;
    const verdict = faults.length === 0 ? 'good' : `BAD: ${faults.join('; ')} (${keep(name, result.log)})`;
    console.log(`${name}: ${result.seconds.toFixed(1)} s, ${verdict}`);
  }
  return { ...shape, good, seconds };
}

let logs = values.logs;

function keep(name: string, log: string): string {
  // A name that others can foresee in a directory for all would be theirs to make first.
  logs ??= mkdtempSync(join(tmpdir(), 'hartvisor-boots-'));
  mkdirSync(logs, { recursive: true });
  const path = join(logs, `${name.replaceAll(' ', '-')}.log`);
  writeFileSync(path, log);
  return path;
}

const rows: Row[] = [];
for (const shape of parseShapes(values.shapes)) rows.push(await bootAll(shape));
console.log(`\n${table(rows)}`);
process.exitCode = rows.every(({ good, seconds }) => good === seconds.length) ? 0 : 1;
