import { expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { checkMachine } from './config-rules.ts';

const host = { clockOffset: 0, spawn: () => ({ terminate: async () => undefined }) };
const output = () => undefined;
const kernel = { kind: 'raw', bytes: new Uint8Array(4), textOffset: 0, memorySize: 4 };
const domain = {
  ...{ kind: 'domain', vcpus: 1, pcpus: 1, protocol: 'take-mirror', kernel, bootArgs: '', memoryBytes: 4096 },
};
const image = { kind: 'raw', bytes: new Uint8Array(4), source: 'a' };
const bare = { kind: 'bare', harts: 1, memoryBytes: 4096, program: { kind: 'program', image } };
const firmware = { ...bare, program: { kind: 'firmware', image, kernel } };

function check(config: object, callbacks: object = { console: { output } }): () => void {
  return () => Reflect.apply(checkMachine, undefined, [config, host, callbacks]);
}

test('machines of all kinds, with all of their parts', () => {
  const drives = [{ name: 'a', bytes: 512, readOnly: false, serial: 'a', anyThread: true }];
  const shares = [{ name: 'a', tag: 'a', readOnly: true }];
  const parts = {
    drives,
    shares,
    network: { mac: 1 },
    ports: [{}, { name: 'a' }],
    vsock: { cid: 3 },
    trace: {},
  };
  for (const config of [domain, bare, firmware, { kind: 'restored', saved: {} }])
    expect(check(config)).not.toThrow();
  for (const config of [domain, bare, firmware]) expect(check({ ...config, ...parts })).not.toThrow();
});

test('backends may be objects of classes with more in them', () => {
  class Terminal {
    readonly shown: number[] = [];
    output(): undefined {
      this.shown.push(1);
    }
  }
  expect(check(domain, { console: new Terminal(), ports: [new Terminal()] })).not.toThrow();
});

test.each<[string, object, object | undefined]>([
  [
    'configuration.kind: "domian" is not possible: give one of domain, bare, restored.',
    { kind: 'domian' },
    undefined,
  ],
  ['configuration.vcpu: there is no such option; give some of ', { ...domain, vcpu: 2 }, undefined],
  ['configuration.harts: there is no such option; give some of ', { ...domain, harts: 2 }, undefined],
  ['configuration.vcpus: there is no such option; give some of ', { ...bare, vcpus: 2 }, undefined],
  ['configuration.program: it is missing: give a program ', { ...bare, program: undefined }, undefined],
  ['configuration.kernel.kind: undefined is not possible', { ...domain, kernel: new Object() }, undefined],
  ['configuration.kernel: an object (Uint8Array) is not', { ...domain, kernel: kernel.bytes }, undefined],
  [
    'configuration.program.initrdd: there is no',
    { ...bare, program: { ...firmware.program, initrdd: 1 } },
    undefined,
  ],
  [
    'configuration.program.image.elf: it is missing',
    { ...bare, program: { kind: 'program', image: { kind: 'elf', source: 'a' } } },
    undefined,
  ],
  [
    'configuration.ports[1].nmae: there is no such option',
    { ...domain, ports: [{}, { nmae: 'a' }] },
    undefined,
  ],
  ['configuration.vsock.cid: it is missing', { ...domain, vsock: {} }, undefined],
  ['configuration.trace.record: there is no such option', { ...domain, trace: { record: 1 } }, undefined],
  ['configuration.drives[0].readonly: there is', { ...domain, drives: [{ readonly: true }] }, undefined],
  ['callbacks.console: it is missing: give an object with a function `output`', domain, {}],
  ['callbacks.ports[0]: an object is not possible', domain, { console: { output }, ports: [{}] }],
  ['callbacks.onNote: there is no such option', domain, { console: { output }, onNote: output }],
])('%s', (message, config, callbacks) => {
  expect(check(config, callbacks)).toThrow(InputError);
  expect(check(config, callbacks)).toThrow(message);
});
