import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors/input-error.ts';
import { runVerify } from '../../src/node/verify-host.ts';
import { runCli } from './command.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-verify-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The manual's example, with its bug, and the lines that repair it. */
const manual = readFileSync(new URL('../../docs/verify.md', import.meta.url), 'utf8');
const [mine = '', repair = '', ownScenario = ''] = [...manual.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(
  ([, code]) => code,
);

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('verify', () => {
  test('a matrix of two protocols and some scenarios', async () => {
    const args = ['--protocol', 'take-mirror', 'published', '--scenario', 'ipi-*', 'one-ipi'];
    const { status, stdout } = await runCli(['verify', ...args]);
    expect(status).toBe(10);
    const rows = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(rows.find(([name]) => name === 'ipi-after-round')?.slice(1, 3)).toEqual(['proven*', 'P1']);
    expect(rows.find(([name]) => name === 'one-ipi')?.slice(1, 3)).toEqual(['proven*', 'proven']);
    expect(stdout).toContain('hartvisor verify explain published ipi-after-round');
    expect(stdout).toMatch(/5 proven, 1 violated|\d+ proven, \d+ violated/);
    expect(stdout).toContain('*   for every number of senders\n');
    expect(stdout).toContain('published fails with other senders: P1 in one-ipi+1');
    expect(stdout).toMatch(/ 2 for every number of senders; /);
  });

  test('a proof ends with status 0, a limit with another', async () => {
    const args = ['verify', '--protocol', 'minimal-patch', '--scenario', 'three-senders'];
    expect(await runCli(args)).toMatchObject({ status: 0, stderr: '' });
    const limited = await runCli([...args, '--max-states', '9e3']);
    expect(limited.status).toBe(11);
    expect(limited.stdout).toContain('NOT PROVEN');
  });

  test('weak memory, for a protocol in C', async () => {
    const args = [
      '--memory',
      'rvwmo',
      '--protocol',
      'take-mirror',
      'published',
      '--scenario',
      'ipi-after-round',
    ];
    const { status, stdout } = await runCli(['verify', ...args]);
    expect(stdout).toMatch(/ipi-after-round +proven +P1/);
    expect(stdout).toContain('Under RVWMO, with the orders of the kernel');
    expect(status).toBe(10);
  });

  test('orders that are needed, and orders that are not', async () => {
    const protocols = ['take-mirror', 'xen-minimal-patch'];
    const args = ['verify', '--weaken', '--protocol', ...protocols, '--scenario', 'one-ipi', 'one-mail'];
    const { stdout } = await runCli(args);
    expect(stdout).toMatch(/set: atomic_fetch_or_release\(pending\) +\.rl +VIOLATED +P6 fails in one-mail\n/);
    expect(stdout).toMatch(
      /set: test_and_set_bit\(pending\) +\.aq +not shown +proven without it: one-ipi, one-mail/,
    );
    expect(stdout).toMatch(
      /unset: set_bit\(mask\): smp_wmb +fence w,w +NOT PROVEN +no scenario that is proven with all orders/,
    );
  });

  test('with other numbers of senders than a scenario has', async () => {
    const one = await runCli(['verify', '--protocol', 'published', '--scenario', 'one-ipi']);
    expect(one.status).toBe(0);
    expect(one.stdout).toMatch(
      /one-ipi +PROVEN +[\d,]+ +[\d.]+ s +but one-ipi\+1 is violated: P1: VSSIP is lost/,
    );
    const every = await runCli(['verify', '--protocol', 'take-mirror', '--scenario', 'one-ipi']);
    expect(every.stdout).toMatch(/one-ipi +PROVEN for every number of senders +[\d,]+ +[\d.]+ s\n/);
    const counted = await runCli(['verify', 'explain', 'published', 'one-ipi+1']);
    expect(counted.stdout).toMatch(/^published in one-ipi\+1: VIOLATED\n/);
    const threads = await runCli(['verify', 'replay', 'published/one-ipi+1']);
    expect(threads).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('On 2 real threads the same'),
    });
  });

  test('JSON', async () => {
    const { stdout } = await runCli([
      'verify',
      '--protocol',
      'xen',
      '--scenario',
      'ipi-after-round',
      '--json',
    ]);
    const report = JSON.parse(stdout) as {
      schema: number;
      results: { counterexample: { schedule: string } }[];
    };
    expect(report.schema).toBe(1);
    expect(report.results[0].counterexample.schedule).toMatch(/^[VS*.\d]+$/);
  });

  test('the scenarios are listed with what they are about', async () => {
    const { stdout } = await runCli(['verify', '--list']);
    expect(stdout).toMatch(/^default:\n {2}ipi-after-round +One IPI/);
    expect(stdout).toContain('\nrules:\n');
  });

  test.each([
    [['verify', '--protocol', 'foo'], /There is no interrupt protocol "foo"; the protocols are take-mirror/],
    [['verify', '--scenario', 'foo'], /No scenario fits "foo"\. The scenarios are ipi-after-round/],
    [['verify', '--scenario', 'line+2'], /No scenario fits "line\+2".*has senders/],
    [['verify', '--scenario', 'one-ipi+9'], /No scenario fits "one-ipi\+9".*from 1 to 8/],
    [['verify', '--scenario', 'foo+1'], /No scenario fits "foo\+1"\. The scenarios are/],
    [['verify', '--max-states', '0'], /--max-states 0 is not possible/],
    [['verify', '--memory', 'tso'], /--memory tso: the memory models are sc and rvwmo/],
    [['verify', '--max-time', 'x'], /--max-time x is not possible/],
    [['verify', '--file', '/nowhere/x.ts'], /--file \/nowhere\/x\.ts: there is no such file/],
    [['verify', '--file', 'a.ts', '--file', 'b.ts'], /--file a\.ts --file b\.ts: one file is possible/],
    [['verify', 'explain'], /Which protocol\?/],
    [['verify', 'explain', 'published', '--json', '--litmus'], /Only one of/],
    [
      ['verify', 'explain', 'take-mirror', 'one-ipi', '--litmus'],
      /take-mirror has no counterexample in one-ipi/,
    ],
    [['verify', 'replay', 'published'], /published is not PROTOCOL\/SCENARIO/],
    [['verify', 'replay', 'take-mirror/one-ipi'], /take-mirror has no counterexample in one-ipi/],
    [['verify', 'replay', 'published/one-ipi', 'X*3'], /Schedule part "X\*3" is not a thread/],
    [['stress', '--seconds', '0'], /--seconds 0 is not possible/],
    [['stress', '--protocol', 'foo'], /There is no interrupt protocol "foo"/],
    [['run', '--guest', 'tick', '--smp', '1', '--schedule', 'VSVS'], /--smp 2 and --pcpus 2/],
    [['run', '--guest', 'tick', '--schedule', 'foo'], /--schedule foo is not PROTOCOL\/SCENARIO/],
    [
      ['run', '--guest', 'tick', '--pcpus', '2', '--schedule', 'xchg/line'],
      /only that can be forced in a domain/,
    ],
  ])('%j is a mistake', async (args, message) => {
    const { status, stderr, stdout } = await runCli(args);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});

describe('verify explain', () => {
  test('the counterexample of the published protocol in a table of 72 columns, and as a page', async () => {
    const page = join(directory, 'page.html');
    const { status, stdout } = await runCli(['verify', 'explain', 'published', '--html', page]);
    expect(status).toBe(0);
    expect(stdout).toContain('erases VSSIP, which step 3 had set');
    const table = stdout.slice(0, stdout.indexOf('On real threads'));
    expect(Math.max(...table.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(72);
    expect(readFileSync(page, 'utf8')).toContain('<!doctype html>');
  });

  test('a protocol that is proven needs no explanation', async () => {
    const { status, stdout } = await runCli(['verify', 'explain', 'take-mirror', 'one-ipi']);
    expect(status).toBe(0);
    expect(stdout).toContain('take-mirror in one-ipi: PROVEN');
  });
});

describe('verify replay', () => {
  test('real threads do the same, with the same outcome', async () => {
    const { status, stdout } = await runCli(['verify', 'replay', 'published/ipi-after-round']);
    expect(stdout).toContain('On 2 real threads the same');
    expect(stdout).toContain('VSSIP is lost');
    expect(status).toBe(0);
  });

  test('a schedule of one protocol loses nothing in another', async () => {
    const { stdout, status } = await runCli(['verify', 'replay', 'minimal-patch/ipi-after-round', 'V*3.S*4']);
    expect(stdout).toContain('with the same outcome: nothing wrong');
    expect(status).toBe(0);
  });
});

describe("a person's own module", () => {
  test('the planted bug is found, explained and replayed', async () => {
    const path = file('mine.ts', mine);
    const found = await runCli(['verify', '--file', path, '--scenario', 'line-and-ipi', 'two-ipis']);
    expect(found.stdout).toMatch(/two-ipis +PROVEN/);
    expect(found.stdout).toMatch(/line-and-ipi +VIOLATED/);
    expect(found.stdout).toContain(`hartvisor verify explain mine line-and-ipi --file ${path}`);
    const explained = await runCli(['verify', 'explain', 'mine', 'line-and-ipi', '--file', path]);
    expect(explained.stdout).toContain('load(pend)');
    const replayed = await runCli(['verify', 'replay', 'mine/line-and-ipi', '--file', path]);
    expect(replayed.stdout).toContain('real threads the same');
  });

  test('the repair of the manual is proven', async () => {
    const broken = /^ {2}const word = Atomics[^}]*\}\n/m;
    expect(mine).toMatch(broken);
    const path = file('repaired.ts', mine.replace(broken, repair));
    // Those in which the bug shows, and some others; the whole matrix takes half a minute.
    const scenarios = ['one-ipi', 'two-ipis', 'two-edges', 'mail', 'ipi-*', 'line*'].flatMap((name) => [
      '--scenario',
      name,
    ]);
    const { status, stdout } = await runCli(['verify', '--file', path, ...scenarios]);
    expect(stdout).toMatch(/^\d+ proven(, 0 violated)?[;,]/m);
    expect(status).toBe(0);
  });

  test('a scenario of its own', async () => {
    const path = file('scenario.ts', ownScenario);
    const { status, stdout } = await runCli(['verify', '--file', path, '--protocol', 'take-mirror']);
    expect(stdout).toMatch(/two-ipis-and-a-line +PROVEN/);
    expect(status).toBe(0);
  });

  const lines = (from: string, to: string): string => {
    expect(mine).toContain(from);
    return mine.replace(from, to);
  };
  const load = 'const word = Atomics.load(words, index);';
  test.each([
    [
      'plain access',
      lines('Atomics.or(words, IRQS_PENDING + (irq >> 5), bit) & bit', '(words[0] |= bit) & bit'),
      13,
      /without Atomics/,
    ],
    [
      'catches all',
      lines(load, `let word = 0; try { word = Atomics.load(words, 0) } catch {}`),
      14,
      /catches every exception/,
    ],
    ['throws', lines(load, `const word = missing;`), 10, /ReferenceError: missing is not defined/],
    [
      'remembers',
      lines(load, `${load} if (++calls % 2) Atomics.load(words, 0);`).concat('let calls = 0;'),
      12,
      /the same twice/,
    ],
    ['no function', `export default { name: 'x', set() {}, has() {} };`, 2, /"x" has no unset, sync, flush/],
    ['nothing', 'export const x = 1;', 2, /exports no protocol and no scenario/],
    ['no module', 'export default {', 2, /cannot be loaded: SyntaxError/],
    ['a known name', lines("name: 'mine'", "name: 'xen'"), 2, /"xen" is a protocol of hartvisor already/],
  ] as const)('%s gets a message of its own', async (name, text, status, message) => {
    const path = file(`${name.replaceAll(' ', '-')}.ts`, text);
    const ran = await runCli(['verify', '--file', path, '--scenario', 'one-ipi']);
    expect(ran.stdout + ran.stderr).toMatch(message);
    expect(ran.status).toBe(status);
  });

  test('an endless loop is ended', async () => {
    const path = file('endless.ts', lines(load, 'for (;;);'));
    const job = { task: 'matrix', protocols: [], scenarios: ['one-ipi'] } as const;
    // The command waits for 10 s, and all the time the loop has a processor.
    const run = runVerify(
      { ...job, file: { url: pathToFileURL(path).href, shown: path } },
      () => undefined,
      2000,
    );
    const message = /endless\.ts: flush of "mine" did not come back within 2 s/;
    await expect(run).rejects.toThrow(expect.objectContaining({ message: expect.stringMatching(message) }));
    await expect(run).rejects.toBeInstanceOf(InputError);
  });
});

describe('run --schedule', () => {
  const run = (protocol: string, watchdog: number) =>
    runCli([
      ...['run', '--guest', 'tick', '--smp', '2', '--pcpus', '2', '--timeout', '200', '--protocol', protocol],
      ...['--schedule', 'published/ipi-after-round', '--append', `seconds=1 watchdog=${watchdog}`],
    ]);

  test('the tick guest misses the IPI that the published protocol loses', async () => {
    const { status, stdout, stderr } = await run('published', 2);
    expect(stdout).toMatch(/tick: FAIL/);
    expect(stderr).toMatch(/The schedule was forced \d+ times?\./);
    expect(status).toBe(3);
  });

  test('and with take-mirror it misses nothing, in the same order', async () => {
    const { status, stdout, stderr } = await run('take-mirror', 60);
    expect(stdout).toContain('tick: PASS');
    expect(stderr).toMatch(/The schedule was forced [1-9]\d* times?\./);
    expect(status).toBe(0);
  });
});

test("a guest runs on a person's protocol, and finds its mistake", async () => {
  const file = fileURLToPath(new URL('../../examples/protocols/forgetful.ts', import.meta.url));
  const run = (protocol: string) =>
    runCli(['run', '--guest', 'tick', '--append', 'rounds=2 watchdog=5', '--protocol', protocol]);
  const { status, stdout } = await run(file);
  expect(stdout).toContain('tick: FAIL');
  expect(status).toBe(3);
  const missing = await run('./nowhere.ts');
  expect(missing).toMatchObject({
    status: 2,
    stderr: 'hartvisor: --protocol ./nowhere.ts: there is no such file.\n',
  });
});

test('stress counts what arrives', async () => {
  const right = await runCli(['stress', '--protocol', 'take-mirror', '--seconds', '0.5']);
  expect(right).toMatchObject({ status: 0, stderr: '' });
  expect(right.stdout).toMatch(/take-mirror +([\d,]+ +){4}0 +0 +0 /);
  const wrong = await runCli(['stress', '--protocol', 'direct', '--seconds', '0.5']);
  expect(wrong.status).toBe(10);
});
