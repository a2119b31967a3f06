import { describe, expect, test } from 'vitest';
import { EXTENSION_NAMES, EXTENSIONS, vlenOf } from '../isa/extensions.ts';
import { readCpu } from './cpu.ts';

const has = (words: string) => readCpu(words).extensions;

describe('the list of extensions', () => {
  test('is in the canonical order of ISA strings', () => {
    // Unprivileged specification, "ISA Extension Naming Conventions": the letter behind z goes by the order of letters.
    const letters = 'imafdqlcbkjtpvnh';
    const rank = (name: string): string => {
      if (name.length === 1) return `0${letters.indexOf(name).toString(36)}`;
      if (name.startsWith('z')) return `1${letters.indexOf(name[1]).toString(36)}${name}`;
      return `2${name}`;
    };
    expect(EXTENSION_NAMES).toEqual(EXTENSION_NAMES.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1)));
  });
});

describe('the words of --cpu', () => {
  test('without a choice there is all of a width', () => {
    expect(readCpu()).toEqual({
      xlen: 64,
      // Vectors are there on demand, and what comes with them.
      extensions: EXTENSION_NAMES.filter(
        (name) => EXTENSIONS[name].xlen !== 32 && !EXTENSIONS[name].onDemand && !needs(name, 'v'),
      ),
    });
    expect(readCpu('rv32').xlen).toBe(32);
    expect(has('rv32')).not.toContain('svpbmt');
  });

  test.each(['false', 'off', 'no', 'n'])('an extension is left out with %s, and what needs it goes', (no) => {
    expect(has('rv64')).toEqual(expect.arrayContaining(['zba', 'f', 'd']));
    expect(has(`rv64,zba=${no},f=${no}`)).toEqual(
      has('rv64').filter((name) => name !== 'zba' && name !== 'f' && !needs(name, 'f')),
    );
    expect(has('rv64,v=false')).toEqual(has('rv64'));
  });

  test('the last word about an extension counts', () => {
    expect(has('rv64,zba=off,zba=on')).toEqual(has('rv64'));
  });

  test('a profile has what it demands and no more, and what is asked for', () => {
    const extensions = has('rva22s64');
    expect(extensions).not.toContain('h');
    expect(extensions).not.toContain('sstc');
    expect(extensions).toContain('svpbmt');
    expect(has('rva22s64,sstc=true')).toContain('sstc');
  });

  test('rva23s64 has what RVA23 makes mandatory', () => {
    const extensions = has('rva23s64');
    // Of the unprivileged profile, then of the supervisor's; b is zba, zbb and zbs.
    const unprivileged =
      'i m a f d c v zicsr zicntr zihpm ziccif ziccrse ziccamoa zicclsm zic64b za64rs zihintpause zba zbb zbs zicbom ' +
      'zicbop zicboz zfhmin zkt zvfhmin zvbb zvkt zihintntl zicond zimop zcmop zcb zfa zawrs supm';
    const supervisor =
      'zifencei ssccptr sstvecd sstvala sscounterenw svpbmt svinval svnapot sstc sscofpmf ssnpm ssu64xl h ssstateen ' +
      'shcounterenw shvstvala shtvala shvstvecd shvsatpa shgatpa';
    expect(extensions).toEqual(
      expect.arrayContaining([...unprivileged.split(' '), ...supervisor.split(' ')]),
    );
    expect(extensions).not.toContain('svadu');
    expect(vlenOf(extensions)).toBe(256);
    expect(vlenOf(has('rva23s64,vlen=128'))).toBe(128);
    expect(vlenOf(has('rva23s64,v=false'))).toBe(0);
    expect(vlenOf(has('rva23s64,d=false'))).toBe(0);
  });

  test('vectors come on demand, with the length that is asked for', () => {
    expect(has('rv64')).not.toContain('v');
    expect(vlenOf(has('rv64'))).toBe(0);
    expect(vlenOf(has('rv64,v=true'))).toBe(256);
    expect(has('rv64,v=true')).toEqual(expect.arrayContaining(['zve32f', 'zve64d', 'zve64x']));
    expect(has('rv64,zvfh=true')).toEqual(expect.arrayContaining(['v', 'zfhmin', 'zvfhmin']));
    expect(vlenOf(has('rv64,v=true,vlen=128'))).toBe(128);
    expect(vlenOf(has('rv64,v=true,vlen=1024'))).toBe(1024);
    expect(has('rv64,zvl512b=true')).toEqual(expect.arrayContaining(['v', 'zvl128b', 'zvl256b', 'zvl512b']));
  });

  test.each([
    ['rv64,vlen=100', 'vlen is one of 128, 256, 512, 1024, not 100'],
    ['rv32,v=true', 'v is for harts of 64 bits'],
    ['rv64,zba', '"zba" is no choice of an extension'],
    ['rv64,zba=maybe', 'no choice'],
    ['rv64,=on', 'no choice'],
    ['rv64,', 'no choice'],
    ['', 'there are no such harts'],
    ['toString', 'there are no such harts'],
    ['rv64,zfoo=true', 'there is no extension zfoo here; there are i, m, a,'],
    ['rv64,zfoo=false', 'there is no extension zfoo here'],
    ['rv64,constructor=false', 'there is no extension constructor here'],
    ['rv64,i=false', 'i cannot be left out'],
    ['rv32,svpbmt=true', 'svpbmt is for harts of 64 bits'],
    ['rv64,d=false,v=true', 'v needs d, which is left out'],
    ['rv64,f=false,d=true', 'd needs f, which is left out'],
  ])('%s is refused', (words, why) => {
    expect(() => readCpu(words, '--cpu')).toThrow(why);
    expect(() => readCpu(words, '--cpu')).toThrow(`--cpu ${words}: `);
  });
});

function needs(name: (typeof EXTENSION_NAMES)[number], other: string): boolean {
  return (EXTENSIONS[name].needs ?? []).some((each) => each === other || needs(each, other));
}
