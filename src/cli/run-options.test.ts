import { expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readCpu } from '../machine/cpu.ts';
import { DEFAULT_ENGINE } from '../machine/engine.ts';
import { readConsole, readMachineWords, readRunWords, readVirtio } from './run-options.ts';

const memory = '512M';

test('without options there are two vCPUs on as many threads as there are processors, at most two', () => {
  const shape = {
    ...readCpu(),
    vcpus: 2,
    memoryBytes: 512 * 2 ** 20,
    protocol: 'take-mirror',
    aia: 'none',
    engine: DEFAULT_ENGINE,
    timeout: undefined,
  };
  expect(readRunWords({ memory }, 8)).toEqual({ ...shape, pcpus: 2 });
  expect(readRunWords({ memory }, 1)).toEqual({ ...shape, pcpus: 1 });
});

test('threads are not more than vCPUs, and more than two where they are asked for', () => {
  expect(readRunWords({ memory, smp: '1' }, 8).pcpus).toBe(1);
  expect(readRunWords({ memory, smp: '8' }, 8).pcpus).toBe(2);
  expect(readRunWords({ memory, smp: '8', pcpus: '8' }, 1).pcpus).toBe(8);
  expect(() => readRunWords({ memory, smp: '2', pcpus: '3' }, 8)).toThrow(
    new InputError('--pcpus 3 is not possible: give a whole number of threads for 2 vCPUs, 1 to 2.'),
  );
});

test.each(['3G', '5G', '2049M'])('on RV32 %s of memory is refused, with the reason', (size) => {
  expect(readRunWords({ memory: '2G', cpu: 'rv32' }, 2)).toMatchObject({ xlen: 32, memoryBytes: 2 ** 31 });
  for (const read of [
    () => readRunWords({ memory: size, cpu: 'rv32' }, 2),
    () => readMachineWords({ memory: size, smp: '1', cpu: 'rv32' }),
  ]) {
    expect(read).toThrow(
      new InputError(
        `--memory ${size}: addresses of RV32 end at 4 GiB, and RAM begins at 2 GiB, so that at most 2048 MiB fit.`,
      ),
    );
  }
});

test('harts that there are not are refused', () => {
  expect(() => readRunWords({ memory, cpu: 'rv128' }, 2)).toThrow(
    new InputError('--cpu rv128: there are no such harts; there are rv32, rv64, rva22s64, rva23s64.'),
  );
});

test.each(['0', '65', '1000', 'x'])('--smp %s is refused', (smp) => {
  expect(() => readRunWords({ memory, smp }, 2)).toThrow(/^--smp .* 1 to 64\.$/);
  expect(() => readMachineWords({ memory, smp })).toThrow(/^--smp .* harts, 1 to 64\.$/);
});

test('a protocol is found by its name, and the error for another lists them', () => {
  expect(readRunWords({ memory, protocol: 'published' }, 2).protocol).toBe('published');
  expect(() => readRunWords({ memory, protocol: 'spinlock' }, 2)).toThrow(InputError);
  expect(() => readRunWords({ memory, protocol: 'spinlock' }, 2)).toThrow(/take-mirror, published/);
});

test('the most memory that is offered is possible, and a page more is not', () => {
  const complaint = (text: string) => {
    try {
      readRunWords({ memory: text }, 2);
    } catch (error) {
      return String(error);
    }
    return undefined;
  };
  const most = Number(/at most (\d+)M/.exec(complaint('5G') ?? '')?.[1]);
  expect(most).toBeGreaterThan(3000);
  expect(most).toBeLessThan(4096);
  expect(complaint(`${most}M`)).toBeUndefined();
  expect(complaint(`${most * 1024 + 4}K`)).toMatch(/more than a guest can have/);
});

test('the numbers of a bare machine are read', () => {
  expect(readMachineWords({ smp: '4', memory: '1G', timeout: '2.5' })).toEqual({
    ...readCpu(),
    harts: 4,
    memoryBytes: 2 ** 30,
    aia: 'none',
    aiaGuests: 0,
    engine: DEFAULT_ENGINE,
    timeout: 2.5,
  });
  expect(() => readMachineWords({ smp: '1', memory: '5G' })).toThrow(/Give at most/);
});

test('an interrupt architecture is found by its name, and the error for another lists them', () => {
  expect(readMachineWords({ smp: '1', memory, aia: 'aplic' }).aia).toBe('aplic');
  expect(readRunWords({ memory, aia: 'aplic-imsic' }, 2).aia).toBe('aplic-imsic');
  for (const aia of ['', 'plic', 'APLIC', 'aplic,imsic']) {
    expect(() => readMachineWords({ smp: '1', memory, aia })).toThrow(
      new InputError(
        `--aia ${aia}: there is no such interrupt architecture; give one of none, aplic, aplic-imsic.`,
      ),
    );
  }
  expect(() => readRunWords({ memory, aia: 'aplic' }, 2)).toThrow(
    new InputError('--aia aplic: there is no such interrupt architecture; give one of none, aplic-imsic.'),
  );
});

test('guest interrupt files are 0 to 7, of IMSICs', () => {
  const read = (aiaGuests: string, aia = 'aplic-imsic') =>
    readMachineWords({ smp: '1', memory, aia, aiaGuests });
  expect(['0', '3', '7'].map((count) => read(count).aiaGuests)).toEqual([0, 3, 7]);
  for (const count of ['8', '-1', '1.5', '', 'x', '1e0']) {
    expect(() => read(count)).toThrow(
      new InputError(
        `--aia-guests ${count} is not possible: give a whole number of guest interrupt files, 0 to 7.`,
      ),
    );
  }
  expect(read('0', 'aplic').aiaGuests).toBe(0);
  expect(() => read('1', 'aplic')).toThrow(/give --aia aplic-imsic with it/);
});

test('lock step has one thread', () => {
  const engine = 'lockstep';
  expect(readRunWords({ memory, engine }, 8)).toMatchObject({ vcpus: 2, pcpus: 1 });
  expect(() => readRunWords({ memory, engine, pcpus: '2' }, 8)).toThrow(
    new InputError(
      '--pcpus 2: --engine lockstep compares one hart with itself, so there can be but one thread: give --pcpus 1.',
    ),
  );
  expect(() => readMachineWords({ memory, engine, smp: '2' })).toThrow(InputError);
  expect(() => readRunWords({ memory, engine: 'fast' }, 8)).toThrow(/the engines are interp, jit, lockstep/);
});

test('virtio devices are on the PCI bus, unless the guest has none', () => {
  expect([undefined, 'pci', 'mmio'].map(readVirtio)).toEqual(['pci', 'pci', 'mmio']);
  expect(() => readVirtio('ccw')).toThrow(
    new InputError('--virtio ccw: there is no such transport; give one of pci, mmio.'),
  );
});

test('the terminal of a guest is the serial port, unless the virtio console is asked for', () => {
  expect([undefined, 'serial', 'virtio'].map(readConsole)).toEqual(['serial', 'serial', 'virtio']);
  expect(() => readConsole('hvc0')).toThrow(
    new InputError('--console hvc0: there is no such console; give one of serial, virtio.'),
  );
});
