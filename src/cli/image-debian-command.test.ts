import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { imageDebianCommand, readSshKeys } from './image-debian-command.ts';

const directory = mkdtempSync(join(tmpdir(), 'hartvisor-keys-'));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('readSshKeys', () => {
  it('takes each key of a file', async () => {
    const keys = [
      'ssh-ed25519 AAAAC3Nz a@b',
      'from="10.0.2.2" ecdsa-sha2-nistp256 AAAAE2Vj',
      'sk-ssh-ed25519@openssh.com AAAA c',
    ];
    expect(await readSshKeys(file('keys', `# mine\n${keys.join('\r\n')}\n\n`))).toEqual(keys);
  });

  it.each<[string, string, RegExp]>([
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----\n', /is a private key. Give the public one/],
    ['another text', 'hello\n', /is no public key of ssh/],
    ['an empty file', '', /is no public key of ssh/],
  ])('refuses %s', async (name, text, message) => {
    await expect(readSshKeys(file(name, text))).rejects.toThrow(message);
  });

  it('refuses a file that is not there', async () => {
    await expect(readSshKeys(join(directory, 'nowhere'))).rejects.toThrow(InputError);
  });
});

describe('imageDebianCommand', () => {
  const output = join(directory, 'image');
  it.each<[string, Partial<Parameters<typeof imageDebianCommand>[0]>, RegExp]>([
    ['a size', { size: 'large' }, /large is not a size of a disk/],
    ['a suite', { suite: '../x' }, /--suite \.\.\/x is not possible: give a release/],
    ['a host name', { hostname: 'a b' }, /--hostname a b is not possible/],
    ['a mirror', { mirror: 'file:/srv' }, /--mirror file:\/srv is not possible/],
  ])('refuses what is no %s', async (_, wrong, message) => {
    const attempt = imageDebianCommand({ output, size: '8G', hostname: 'debian', ...wrong });
    await expect(attempt).rejects.toThrow(message);
  });
});
