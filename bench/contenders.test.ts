import { describe, expect, test } from 'vitest';
import { InputError } from '../src/errors/input-error.ts';
import { everyone, hartvisorCommand, nameField, qemuCommand } from './contenders.ts';

const qemu = (version: string) => ({
  program: `qemu-${version}`,
  version: `QEMU emulator version ${version}`,
});
const node = (version: string) => ({ program: `node-${version}`, version });
const labels = (...args: Parameters<typeof nameField>) =>
  everyone(nameField(...args)).map(({ label }) => label);

describe('nameField', () => {
  test('two are QEMU and hartvisor', () => {
    expect(labels([qemu('7.2.22 (Debian 1:7.2)')], [node('v24.1.0')], [])).toEqual(['QEMU', 'hartvisor']);
  });

  test('names what differs', () => {
    expect(labels([qemu('7.2.22'), qemu('10.0.13')], [node('v24.1.0')], ['jit'])).toEqual([
      ...['QEMU 7.2.22', 'QEMU 10.0.13', 'jit'],
    ]);
    expect(labels([qemu('1')], [node('v24.1.0'), node('v26.2.0')], ['jit', 'interp'])).toEqual([
      'QEMU',
      ...['jit, Node 24.1.0', 'interp, Node 24.1.0', 'jit, Node 26.2.0', 'interp, Node 26.2.0'],
    ]);
  });

  test('other checkouts are called by their folders', () => {
    const { others } = nameField([qemu('1')], [node('v24')], [], ['/tmp/before', '../older/']);
    expect(others.map(({ label }) => label)).toEqual(['hartvisor', 'before', 'older']);
    expect(hartvisorCommand(others[1], 'run')[1]).toBe('/tmp/before/src/cli/main.ts');
  });

  test('the same twice is a mistake of the user', () => {
    const twice = () => nameField([qemu('1')], [node('v24.1.0'), node('v24.1.0')], []);
    expect(twice).toThrow(InputError);
    expect(twice).toThrow('Node 24.1.0 is to be measured twice');
  });
});

test('commands pass the engine on, and name the program of the contender', () => {
  const { yardstick, others } = nameField([qemu('1')], [node('v24')], ['jit']);
  expect(qemuCommand(yardstick, '-smp', '2').slice(0, 3)).toEqual(['qemu-1', '-M', 'virt']);
  const [program, cli, ...args] = hartvisorCommand(others[0], 'run', '--smp', '2');
  expect([program, cli?.endsWith('/src/cli/start.js')]).toEqual(['node-v24', true]);
  expect(args).toEqual(['run', '--engine', 'jit', '--smp', '2']);
});

test('each is measured with each interrupt controller that was named', () => {
  const named = (...aias: string[]) => nameField([qemu('1')], [node('v24')], [], [], aias);
  const both = named('none', 'aplic-imsic');
  expect(everyone(both).map(({ label }) => label)).toEqual([
    ...['QEMU none', 'QEMU aplic-imsic', 'hartvisor none', 'hartvisor aplic-imsic'],
  ]);
  expect(qemuCommand(both.others[0]).slice(1, 3)).toEqual(['-M', 'virt,aia=aplic-imsic']);
  expect(hartvisorCommand(both.others[2], 'run').slice(2)).toEqual(['run', '--aia', 'aplic-imsic']);
  expect(everyone(named('aplic-imsic')).map(({ label }) => label)).toEqual(['QEMU', 'hartvisor']);
});
