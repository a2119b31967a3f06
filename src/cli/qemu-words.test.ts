import { expect, test } from 'vitest';
import { fromQemuWords } from './qemu-words.ts';

test('single-dash long options get their second dash', () => {
  expect(fromQemuWords(['run', '-kernel', 'Image', '-smp', '4', '-m', '1G', '-append', 'quiet'])).toEqual([
    'run',
    '--kernel',
    'Image',
    '--smp',
    '4',
    '-m',
    '1G',
    '--append',
    'quiet',
  ]);
});

test('what already has two dashes, and what is no option, stays', () => {
  const args = ['machine', '--bios', 'fw.bin', 'kernel', 'smp', '--', '-kernel'];
  expect(fromQemuWords(args)).toEqual(args);
});

test('the value of an option stays, whatever it looks like', () => {
  expect(fromQemuWords(['run', '--append', '-smp', '-kernel', '-initrd'])).toEqual([
    'run',
    '--append',
    '-smp',
    '--kernel',
    '-initrd',
  ]);
});

test('a file with the name of an option is no option', () => {
  expect(fromQemuWords(['machine', 'kernel', '-smp', '2'])).toEqual(['machine', 'kernel', '--smp', '2']);
});
