import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DEFAULT_SETTINGS,
  DOMAIN_AIA,
  PROTOCOL_NAMES,
  parseNetwork,
  readSettings,
  settingsWords,
} from './settings.ts';

const read = (words: Readonly<Record<string, string>>) => readSettings((name) => words[name]);

test('without words a machine is the usual one, which needs no words', () => {
  expect(read({})).toEqual({ settings: DEFAULT_SETTINGS, mistakes: [] });
  expect(settingsWords(DEFAULT_SETTINGS).toString()).toBe('');
});

test('all settings survive their way through an address', () => {
  const settings = fc.record({
    cpus: fc.integer({ min: 1, max: 64 }),
    threads: fc.integer({ min: 0, max: 64 }),
    memoryMiB: fc.integer({ min: 32, max: 4095 }),
    protocol: fc.constantFrom(...PROTOCOL_NAMES),
    aia: fc.constantFrom(...DOMAIN_AIA),
    disk: fc.boolean(),
    network: fc.constantFrom('', 'fetch:a.example,b.example:8080', 'wisps://a.example/x?y=1&z', 'link:lab'),
  });
  fc.assert(
    fc.property(settings, (chosen) => {
      const words = new URLSearchParams(settingsWords(chosen).toString());
      expect(readSettings((name) => words.get(name))).toEqual({ settings: chosen, mistakes: [] });
    }),
  );
});

describe('what is not possible', () => {
  test.each([
    ['cpus', '0'],
    ['cpus', '65'],
    ['threads', '1.5'],
    ['memory', '16M'],
    ['memory', '4G'],
    ['memory', 'much'],
    ['protocol', 'none'],
    ['aia', 'plic'],
    ['disk', 'yes'],
    ['network', 'http://example.org'],
    ['network', 'link:a b'],
  ])('%s=%s is told, and the usual is taken', (name, word) => {
    const { settings, mistakes } = read({ [name]: word });
    expect(mistakes).toEqual([expect.stringContaining(`${name}=${word} is not possible: give `)]);
    expect(settings).toEqual(DEFAULT_SETTINGS);
  });

  test('whatever is written, something comes of it', () => {
    const words = fc.dictionary(fc.constantFrom('cpus', 'memory', 'network', 'disk', 'aia'), fc.string());
    fc.assert(
      fc.property(words, (given) => {
        const { cpus, memoryMiB, network } = read(given).settings;
        expect(cpus).toBeGreaterThan(0);
        expect(memoryMiB).toBeGreaterThan(0);
        expect(parseNetwork(network)).toBe(network);
      }),
    );
  });
});

test.each([
  ['512', 512],
  ['512M', 512],
  ['1G', 1024],
  ['1 GiB', 1024],
])('memory=%s is %d MiB', (memory, size) => {
  expect(read({ memory }).settings.memoryMiB).toBe(size);
});
