import { expect, test } from 'vitest';
import { isDebianRelease, startScript } from './debian-qemu.ts';
import { isNodeVersion } from './npm-node.ts';

test.each(['26', '24.21', '24.21.0'])('%s is a version of Node', (name) => {
  expect(isNodeVersion(name)).toBe(true);
});

test.each(['node', '/usr/bin/node', './26', 'v26', '26.', ''])('%j is the name of a program', (name) => {
  expect(isNodeVersion(name)).toBe(false);
});

test('only releases with a QEMU for RISC-V are names of releases', () => {
  expect(['trixie', 'qemu-system-riscv64', 'bookworm'].filter(isDebianRelease)).toEqual(['trixie']);
});

test('the script starts QEMU by its own loader, wherever it lies', () => {
  const script = startScript("/t/it's", { folder: 'x86_64-linux-gnu', file: 'ld-linux-x86-64.so.2' });
  expect(script).toMatch(
    /^#!\/bin\/sh\nexec '\/t\/it'\\''s\/usr\/lib\/x86_64-linux-gnu\/ld-linux-x86-64\.so\.2' /,
  );
  expect(script).toContain("/usr/bin/qemu-system-riscv64' '-L'");
  expect(script.endsWith(' "$@"\n')).toBe(true);
});
