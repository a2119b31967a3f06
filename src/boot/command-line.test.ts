import { expect, test } from 'vitest';
import { diskCommandLine, linuxCommandLine, windowWords } from './command-line.ts';

test('without words of the person, the usual ones are used', () => {
  expect(linuxCommandLine(undefined)).toBe('console=ttyS0 earlycon=sbi panic=-1');
  expect(linuxCommandLine('  ')).toBe('console=ttyS0 earlycon=sbi panic=-1');
});

test('the words of the person come last', () => {
  expect(linuxCommandLine('quiet', ['COLUMNS=80'])).toBe(
    'console=ttyS0 earlycon=sbi panic=-1 COLUMNS=80 quiet',
  );
});

test('the words of the person stay as they are, blanks and all', () => {
  expect(linuxCommandLine(' a="b  c" ')).toBe('console=ttyS0 earlycon=sbi panic=-1  a="b  c" ');
});

test('what is quoted, or for init, is no option of the kernel', () => {
  const usual = 'console=ttyS0 earlycon=sbi panic=-1';
  for (const words of ['dyndbg="file x console +p"', '-- console=x', 'x="panic" -- panic=1 earlycon']) {
    expect(linuxCommandLine(words)).toBe(`${usual} ${words}`);
  }
  expect(linuxCommandLine('"console=hvc0" panic=1 -- earlycon')).toBe(
    'earlycon=sbi "console=hvc0" panic=1 -- earlycon',
  );
  // A quote that is not closed reaches to the end.
  expect(linuxCommandLine('x="a console=b')).toBe(`${usual} x="a console=b`);
});

test('a word that the person gives is not given twice', () => {
  expect(linuxCommandLine('console=hvc0 earlycon panic=0')).toBe('console=hvc0 earlycon panic=0');
  expect(linuxCommandLine('consoleblank=0 panic_on_oops=1')).toBe(
    'console=ttyS0 earlycon=sbi panic=-1 consoleblank=0 panic_on_oops=1',
  );
});

test('the size of a terminal is given where it is known', () => {
  expect(windowWords({ columns: 100, rows: 30 })).toEqual(['COLUMNS=100', 'LINES=30']);
  expect(windowWords({})).toEqual([]);
  expect(windowWords({ columns: 0, rows: 0 })).toEqual([]);
});

test('the virtio console is hvc0', () => {
  expect(linuxCommandLine('quiet', [], 'virtio')).toBe('console=hvc0 earlycon=sbi panic=-1 quiet');
});

test.each<[string, string | undefined, 'serial' | 'virtio', string]>([
  ['root=/dev/vda ro', undefined, 'serial', 'earlycon=sbi panic=-1 root=/dev/vda ro console=ttyS0'],
  ['console=ttyS0,115200 ro', undefined, 'serial', 'earlycon=sbi panic=-1 console=ttyS0,115200 ro'],
  ['console=ttyS0 ro', undefined, 'virtio', 'earlycon=sbi panic=-1 console=ttyS0 ro console=hvc0'],
  ['panic=5 earlycon ro', 'quiet', 'serial', 'panic=5 earlycon ro console=ttyS0 quiet'],
  ['ro', 'console=tty0', 'serial', 'earlycon=sbi panic=-1 ro console=tty0'],
  ['', undefined, 'serial', 'earlycon=sbi panic=-1 console=ttyS0'],
])('the words %j of a disk and %j of the person, %s', (own, append, console, line) => {
  expect(diskCommandLine(own, append, console)).toBe(line);
});
