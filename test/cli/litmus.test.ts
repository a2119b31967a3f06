import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { runCli } from './command.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-litmus-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** Two harts store and then load what the other one stores; `between` stands between the two accesses. */
function storeBuffering(name: string, between: string): string {
  return `RISCV ${name}
{ 0:x5=1; 0:x6=x; 0:x8=y; 1:x5=1; 1:x6=y; 1:x8=x; }
 P0          | P1          ;
 sw x5,0(x6) | sw x5,0(x6) ;
 ${between} | ${between} ;
 lw x7,0(x8) | lw x7,0(x8) ;
exists (0:x7=0 /\\ 1:x7=0)
`;
}

const FENCED = storeBuffering('SB+fence.rw.rws', 'fence rw,rw');
const PLAIN = storeBuffering('SB', '');

/** Makes a directory with these files below it. */
function tree(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(directory, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

const HERD = `Test SB Allowed
Condition exists (0:x7=0 /\\ 1:x7=0)
Observation SB Sometimes 1 3
Test SB+fence.rw.rws Allowed
Condition exists (0:x7=0 /\\ 1:x7=0)
Observation SB+fence.rw.rws Never 0 3
`;

describe('verify litmus', () => {
  const suite = tree('suite', {
    'SAFE/fenced.litmus': FENCED,
    'RELAX/plain.litmus': PLAIN,
    'HAND/odd.litmus': PLAIN.replace('lw x7,0(x8) |', 'frob x7 |'),
    'HAND/notes.txt': 'not a test',
  });

  test('the folders say what is forbidden', async () => {
    const { status, stdout } = await runCli(['verify', 'litmus', suite]);
    expect(stdout).toMatch(/^files +3\n/m);
    expect(stdout).toMatch(/^ran +2: .* allowed in 1, forbidden in 1\n/m);
    expect(stdout).toMatch(/^skipped +1\n {2}1 x 'frob x7': .*HAND\/odd\.litmus\n/m);
    expect(stdout).toMatch(/^judged +1, by the folders: SAFE means forbidden/m);
    expect(stdout).toMatch(/^agreeing +1\ndisagreeing +0\n/m);
    expect(status).toBe(0);
  });

  test('a test that disagrees is named', async () => {
    const wrong = tree('wrong', { 'SAFE/plain.litmus': PLAIN });
    const { status, stdout } = await runCli(['verify', 'litmus', wrong]);
    expect(stdout).toContain('  SB (wrong/SAFE/plain.litmus): expected forbidden, found allowed');
    expect(status).toBe(1);
    const folder = await runCli(['verify', 'litmus', join(wrong, 'SAFE')]);
    expect(folder.stdout).toContain('SB (SAFE/plain.litmus)');
  });

  test('a log of herd7 judges all that it names', async () => {
    const log = join(directory, 'herd.log');
    writeFileSync(log, HERD);
    const { status, stdout } = await runCli(['verify', 'litmus', suite, '--herd-log', log, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      tool: 'hartvisor verify litmus',
      oracle: 'herd7',
      files: 3,
      run: 2,
      judged: 2,
      agreeing: 2,
      disagreeing: [],
      skipped: [{ paths: ['suite/HAND/odd.litmus'] }],
    });
    expect(status).toBe(0);
    writeFileSync(log, HERD.replace('Sometimes 1 3', 'Never 0 3'));
    expect((await runCli(['verify', 'litmus', suite, '--herd-log', log])).status).toBe(1);
  });

  test('nothing judged is said, and nothing run is no success', async () => {
    const unjudged = await runCli(['verify', 'litmus', join(suite, 'RELAX')]);
    expect(unjudged.stdout).toContain('Nothing says what to expect of these tests');
    expect(unjudged.status).toBe(0);
    const nothing = await runCli(['verify', 'litmus', join(suite, 'HAND')]);
    expect(nothing.stdout).toMatch(/^ran +0:/m);
    expect(nothing.status).toBe(2);
  });

  const bare = tree('bare', { 'notes.txt': 'x', 'other.log': 'Observation UNKNOWN Never 0 1\n' });
  test.each([
    [[join(directory, 'nowhere')], /nowhere: there is no such directory/],
    [[bare], /bare: there are no \.litmus files in this directory, nor below it/],
    [[suite, '--herd-log', join(bare, 'missing')], /The log of herd7 .*missing cannot be read/],
    [[suite, '--herd-log', join(bare, 'notes.txt')], /this is no output of herd7/],
    [[suite, '--herd-log', join(bare, 'other.log')], /says nothing about any of the tests below/],
  ])('%j is a mistake', async (args, message) => {
    const { status, stdout, stderr } = await runCli(['verify', 'litmus', ...args]);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });
});
