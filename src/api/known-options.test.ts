import { expect, test } from 'vitest';
import { checkBootOptions, checkRestoreOptions } from './known-options.ts';

test.each([
  [{ memroy: '1G' }, 'memroy: there is no such option; give some of cpus, cpu, memory,'],
  [
    { network: { alow: ['example.org'] } },
    'network.alow: there is no such option; give some of allow, forward, dump, via.',
  ],
  [
    { network: { forward: [{ guestport: 22 }] } },
    'network.forward[0].guestport: there is no such option; give some of protocol, host, port, guestPort.',
  ],
  [
    { limits: { second: 3 } },
    'limits.second: there is no such option; give some of seconds, cpus, processes.',
  ],
  [
    { disk: ['a.qcow2', { file: 'b.img', readonly: true }] },
    'disk[1].readonly: there is no such option; give some of file, format, readOnly, snapshot, serial.',
  ],
  [
    { share: { '/work': { folder: '.', ro: true } } },
    "share['/work'].ro: there is no such option; give some of folder, readOnly.",
  ],
  [{ limits: 3 }, 'limits: 3 is not possible: give limits.'],
  [{ cpus: '2' }, 'cpus: "2" is not possible: give a number.'],
  [{ disk: [['a.img']] }, 'disk[0]: a list is not possible: give a text, or a disk with a `file`.'],
  [{ disk: { readOnly: true } }, 'disk.file: it is missing: give a text.'],
  [{ share: '.' }, 'share: "." is not possible: give folders by their paths in the guest.'],
  [{ network: { forward: [{}] } }, 'network.forward[0].guestPort: it is missing: give a number.'],
  [
    { network: { allow: 'example.org' } },
    'network.allow: "example.org" is not possible: give a list of texts.',
  ],
  [{ protocol: 3 }, 'protocol: 3 is not possible: give a name, or a URL.'],
  [
    { signal: new AbortController() },
    'signal: an object (AbortController) is not possible: give an AbortSignal.',
  ],
  [null, 'options: null is not possible: give an object with options, or nothing.'],
])('%j is refused', (options, message) => {
  // As programs in JavaScript give them, which no compiler reads.
  expect(() => checkBootOptions(options as object)).toThrow(message);
});

test('options of a machine that boots cannot be chosen for one that is restored', () => {
  const cpus: object = { cpus: 2 };
  expect(() => checkRestoreOptions(cpus)).toThrow(
    'cpus: there is no such option; give some of threads, disk,',
  );
  expect(() => checkRestoreOptions({ threads: 1, network: true, disk: 'a.img' })).not.toThrow();
});

test('those that exist are taken', () => {
  expect(() =>
    checkBootOptions({
      ...{ cpus: 1, memory: '1G', disk: { file: 'a.img', readOnly: true }, share: { '/a': 'b' } },
      ...{ network: { allow: [], forward: [{ guestPort: 22 }] }, limits: { seconds: 3 } },
    }),
  ).not.toThrow();
});
