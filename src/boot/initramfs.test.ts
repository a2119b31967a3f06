import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { greeting, initramfs, runScriptPath } from './initramfs.ts';

const busybox = new TextEncoder().encode('pretend this is busybox');
const textOf = (archive: Uint8Array) => new TextDecoder().decode(archive);

/** The text of a member that follows its name in the archive. */
function fileText(archive: Uint8Array, path: string): string {
  const text = textOf(archive);
  const at = text.indexOf(`${path}\0`);
  expect(at, path).toBeGreaterThan(0);
  const start = text.indexOf('#!/bin/sh', at);
  return text.slice(start, text.indexOf('070701', start)).replace(/\0+$/, '');
}

it('holds the console, busybox and an init that greets before anything else', () => {
  const archive = initramfs({ busybox });
  const text = textOf(archive);
  for (const path of ['dev/console', 'dev/null', 'bin/busybox', 'bin/sh', 'proc', 'sys', 'tmp', 'init']) {
    expect(text).toContain(`${path}\0`);
  }
  expect(text).toContain('pretend this is busybox');
  expect(fileText(archive, 'init').split('\n')[1]).toBe(`echo '${greeting}'`);
});

it('has scripts that a shell can parse', () => {
  const archive = initramfs({ busybox });
  for (const path of ['init', 'etc/hartvisor/session']) {
    execFileSync('sh', ['-n'], { input: fileText(archive, path) });
  }
});

it('sets things up before the session', () => {
  const archive = initramfs({ busybox, setUp: '#!/bin/sh\ninsmod x\n' });
  expect(fileText(archive, 'etc/hartvisor/set-up')).toBe('#!/bin/sh\ninsmod x\n');
  const init = fileText(archive, 'init');
  expect(init.indexOf('sh /etc/hartvisor/set-up')).toBeLessThan(init.indexOf('start-stop-daemon'));
  expect(textOf(initramfs({ busybox }))).not.toContain('etc/hartvisor/set-up\0');
});

it('carries a script to run and extra files', () => {
  const archive = initramfs({
    busybox,
    run: '#!/bin/sh\nnproc\n',
    extraFiles: [{ path: 'usr/share/data', data: Uint8Array.of(65, 66, 67, 0xff) }],
  });
  expect(fileText(archive, runScriptPath)).toBe('#!/bin/sh\nnproc\n');
  expect(textOf(archive)).toContain('usr/share\0');
  expect(textOf(archive)).toContain('ABC');
  expect(textOf(initramfs({ busybox }))).not.toContain(`${runScriptPath}\0`);
});

it.each([
  ['console=ttyS0 hartvisor.run="nproc; exit 3" quiet', 'nproc; exit 3'],
  ['hartvisor.run=nproc quiet', 'nproc'],
  ['quiet hartvisor.run=nproc', 'nproc'],
])('takes the command out of the command line %j', (commandLine, command) => {
  const session = fileText(initramfs({ busybox }), 'etc/hartvisor/session');
  const sed = /sed '(.*)' \/proc\/cmdline/.exec(session)?.[1] ?? 'no sed command';
  expect(execFileSync('sed', [sed], { input: `${commandLine}\n`, encoding: 'utf8' })).toBe(`${command}\n`);
});
