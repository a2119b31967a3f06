import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import type { BootOptions } from './boot-options.ts';
import { readMemorySize, readShape } from './shape.ts';

const GIB = 2 ** 30;

describe('the shape of a machine', () => {
  test('has two vCPUs and as many threads as the host gives, unless it is asked for', () => {
    expect(readShape({}, 8)).toMatchObject({ vcpus: 2, pcpus: 2, engine: 'jit', virtio: 'pci', aia: 'none' });
    expect(readShape({}, 1)).toMatchObject({ vcpus: 2, pcpus: 1 });
    expect(readShape({ cpu: 'rv64,h=false' }, 1).extensions).not.toContain('h');
    expect(() => readShape({ cpu: 'rv16' }, 1)).toThrow('cpu: rv16: there are no such harts');
    expect(readShape({ cpus: 8, threads: 3 }, 1)).toMatchObject({ vcpus: 8, pcpus: 3 });
  });

  test.each<[string, BootOptions]>([
    ['cpus: 0', { cpus: 0 }],
    ['cpus: 65', { cpus: 65 }],
    ['cpus: 1.5', { cpus: 1.5 }],
    ['threads: 3', { cpus: 2, threads: 3 }],
    ['protocol: there is no "x"', { protocol: 'x' }],
    ['engine: lockstep', { engine: 'lockstep' }],
    ['limits.seconds: 0', { limits: { seconds: 0 } }],
    ['limits.processes: 0', { limits: { processes: 0 } }],
    ['limits.cpus: 0', { limits: { cpus: 0 } }],
    ['limits.seconds: NaN', { limits: { seconds: Number.NaN } }],
  ])('says what is possible instead of %s', (message, options) => {
    const read = () => readShape(options, 2);
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });

  test('has memory by a number of bytes or a text', () => {
    expect(readMemorySize(undefined, GIB)).toBe(512 * 2 ** 20);
    expect(readMemorySize('1G', GIB)).toBe(GIB);
    expect(readMemorySize(4096, GIB)).toBe(4096);
    for (const memory of [0, 4097, 2 * GIB, -4096, Number.NaN, '2G', 'much', '']) {
      expect(() => readMemorySize(memory, GIB)).toThrow(InputError);
    }
  });
});
