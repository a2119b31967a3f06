import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeSshKey } from './ssh-key.ts';

const missing = spawnSync('ssh-keygen', ['-?']).error !== undefined;
if (missing) console.warn('ssh-keygen is not installed: the test of keys for ssh is skipped');

it.skipIf(missing)('ssh takes a private key and finds the same public one in it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hartvisor-key-'));
  try {
    const { privateKey, publicKey } = makeSshKey('hartvisor guest');
    const file = join(directory, 'key');
    writeFileSync(file, privateKey, { mode: 0o600 });
    expect(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' })).toBe(`${publicKey}\n`);
    expect(makeSshKey('x').publicKey).not.toBe(publicKey);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
