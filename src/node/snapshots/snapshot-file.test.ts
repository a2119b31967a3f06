import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InputError } from '../../errors/input-error.ts';
import { memoryFor, planMachine } from '../../machine/plan.ts';
import type { SavedMachine } from '../../machine/snapshot/saved-machine.ts';
import { openSnapshot, saveSnapshot } from './snapshot-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hartvisor-snapshot-file-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An empty machine. */
function machine(): SavedMachine {
  const plan = planMachine({ kind: 'domain', cpus: 1, pcpus: 1, ramBytes: 1 << 20 });
  return {
    ...{ plan, memory: memoryFor(plan), xlen: 64, extensions: [], milliseconds: 0 },
    ...{
      own: { kind: 'domain', protocol: 'take-mirror' },
      deviceTree: Uint8Array.of(1),
      registers: [],
      kept: [],
    },
    hot: new Uint32Array(),
  };
}

test('takes the place of a file, also of one that a link leads to', async () => {
  writeFileSync(join(folder, 'old'), 'old');
  symlinkSync('old', join(folder, 'link'));
  await saveSnapshot(join(folder, 'link'), machine());
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  await (await openSnapshot(join(folder, 'old'))).close();
  await saveSnapshot(join(folder, 'new'), machine());
  expect(readFileSync(join(folder, 'new'))).toEqual(readFileSync(join(folder, 'old')));
  expect(readdirSync(folder).sort()).toEqual(['link', 'new', 'old']);
});

test('takes the place of nothing else, be it a pipe, a device or a folder', async () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  mkdirSync(join(folder, 'folder'));
  symlinkSync('pipe', join(folder, 'link'));
  for (const name of ['pipe', 'folder', 'link']) {
    const saved = saveSnapshot(join(folder, name), machine());
    await expect(saved).rejects.toThrow(`${name}: it is no file. Give the name of a new one`);
    await expect(saved).rejects.toBeInstanceOf(InputError);
  }
  expect(lstatSync(join(folder, 'pipe')).isFIFO()).toBe(true);
  expect(readdirSync(folder).sort()).toEqual(['folder', 'link', 'pipe']);
});
