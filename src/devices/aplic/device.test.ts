import { beforeEach, describe, expect, test } from 'vitest';
import { Bus } from '../bus.ts';
import { Aplic, type AplicLevel } from './device.ts';
import { APLIC } from './facts.ts';
import { DOMAINCFG, MAP, MODE } from './registers.ts';

const HARTS = 3;
const BOTH: readonly AplicLevel[] = ['machine', 'supervisor'];
const S = APLIC.supervisorAt;

let told: string[] = [];
let sent: { address: number; data: number }[] = [];

const words = (domains: number) => new Int32Array(new SharedArrayBuffer(4 * Aplic.wordsFor(domains, HARTS)));

function direct(domains = BOTH): Aplic {
  told = [];
  return new Aplic(words(domains.length), {
    harts: HARTS,
    domains,
    delivery: { onChange: (domain, hart) => told.push(`${domain}.${hart}`) },
  });
}

function byMessages(guests = 3, domains = BOTH): Aplic {
  sent = [];
  return new Aplic(words(domains.length), {
    harts: HARTS,
    domains,
    delivery: {
      msi: {
        send: (address, data) => sent.push({ address, data }) > 0,
        supervisorPage: (hart) => 0x2800_0000 + 0x1000 * hart,
      },
      guests,
    },
  });
}

let aplic = direct();
beforeEach(() => {
  aplic = direct();
});

const get = (offset: number) => aplic.read(offset, 4);
const put = (offset: number, value: number) => aplic.write(offset, 4, value >>> 0);
const config = (source: number, value: number, base = 0) => put(base + MAP.SOURCECFG + 4 * source, value);
const target = (source: number, value: number, base = 0) => put(base + MAP.TARGET + 4 * source, value);
const enable = (source: number, base = 0) => put(base + MAP.SETIE + MAP.BY_NUMBER, source);
const idc = (hart: number, register: number, base = 0) => base + MAP.IDC + MAP.IDC_STRIDE * hart + register;
const claim = (hart: number, base = 0) => get(idc(hart, MAP.CLAIMI, base));
const pending = (source: number, base = 0) =>
  (get(base + MAP.SETIP + 4 * (source >> 5)) >>> (source & 31)) & 1;
const levels = (domain: number) => [0, 1, 2].map((hart) => aplic.signals(domain, hart));

/** A source that reaches a hart by its wire. */
function listen(source: number, mode: number, hart: number, priority: number, base = 0): void {
  config(source, mode, base);
  target(source, (hart << 18) | priority, base);
  enable(source, base);
  put(idc(hart, MAP.IDELIVERY, base), 1);
  put(base + MAP.DOMAINCFG, DOMAINCFG.IE);
}

describe('registers', () => {
  test('domaincfg shows its byte order and its delivery mode, and keeps its enable bit', () => {
    expect(get(MAP.DOMAINCFG)).toBe(0x8000_0000);
    put(MAP.DOMAINCFG, 0xffff_ffff);
    expect([get(MAP.DOMAINCFG), get(S + MAP.DOMAINCFG)]).toEqual([0x8000_0100, 0x8000_0000]);
    aplic = byMessages();
    put(MAP.DOMAINCFG, 0);
    expect(get(MAP.DOMAINCFG)).toBe(0x8000_0004);
  });

  test('sourcecfg takes the modes that there are; the others make the source inactive', () => {
    const kept = Array.from({ length: 8 }, (_, mode) => {
      config(7, mode | 0xffff_fbf8);
      return get(MAP.SOURCECFG + 28);
    });
    expect(kept).toEqual([0, 1, 0, 0, 4, 5, 6, 7]);
    config(APLIC.sources + 1, MODE.EDGE1);
    expect(get(MAP.SOURCECFG + 4 * (APLIC.sources + 1))).toBe(0);
  });

  test('a source belongs to the domain that it was delegated to, and to no other', () => {
    config(7, MODE.EDGE1, S);
    expect(get(S + 28)).toBe(0);
    config(7, MODE.DETACHED);
    put(MAP.SETIP + MAP.BY_NUMBER, 7);
    enable(7);
    config(7, 0x400 | 5);
    expect([get(28), get(S + 28), pending(7), get(MAP.SETIE)]).toEqual([0x400, 0, 0, 0]);
    config(7, MODE.EDGE1, S);
    target(7, (1 << 18) | 3, S);
    put(S + MAP.SETIP, 1 << 7);
    expect([get(S + 28), get(S + MAP.TARGET + 28), pending(7, S), pending(7)]).toEqual([4, 0x4_0003, 1, 0]);
    // The root cannot touch what is not its own.
    put(MAP.CLRIP, 1 << 7);
    target(7, 9);
    expect([pending(7, S), get(S + MAP.TARGET + 28), get(MAP.TARGET + 28)]).toEqual([1, 0x4_0003, 0]);
    // It was delegated before: nothing changes.
    config(7, 0x400);
    expect(pending(7, S)).toBe(1);
    config(7, MODE.EDGE1);
    expect([get(28), get(S + 28), pending(7, S), pending(7)]).toEqual([4, 0, 0, 0]);
  });

  test('a domain without children cannot delegate', () => {
    config(7, 0x400);
    config(7, MODE.EDGE1, S);
    config(7, 0x400 | MODE.EDGE1, S);
    expect(get(S + 28)).toBe(0);
    aplic = direct(['supervisor']);
    config(7, MODE.EDGE1);
    config(7, 0x400);
    expect(get(28)).toBe(0);
  });

  test('pending and enable bits change by words, by numbers, and for active sources only', () => {
    for (const source of [1, 31, 32, 96]) config(source, MODE.DETACHED);
    for (let index = 0; index < 32; index++) put(MAP.SETIP + 4 * index, 0xffff_ffff);
    for (let index = 0; index < 32; index++) put(MAP.SETIE + 4 * index, 0xffff_ffff);
    const bits = (bank: number) => [0, 1, 2, 3, 4, 31].map((index) => get(bank + 4 * index));
    expect(bits(MAP.SETIP)).toEqual([0x8000_0002, 1, 0, 1, 0, 0]);
    expect(bits(MAP.SETIE)).toEqual([0x8000_0002, 1, 0, 1, 0, 0]);
    put(MAP.CLRIP + MAP.BY_NUMBER, 31);
    put(MAP.CLRIE + MAP.BY_NUMBER, 96);
    put(MAP.CLRIE, 2);
    for (const number of [0, 2, 97, 0xffff_ffff]) put(MAP.SETIP + MAP.BY_NUMBER, number);
    expect([get(MAP.SETIP), get(MAP.SETIE), get(MAP.SETIE + 12)]).toEqual([2, 0x8000_0000, 0]);
    put(MAP.SETIPNUM_LE, 31);
    put(MAP.CLRIP, 2);
    put(MAP.SETIPNUM_BE, 0x0100_0000);
    expect(get(MAP.SETIP)).toBe(0x8000_0002);
    for (const reads0 of [MAP.CLRIE, MAP.SETIPNUM_LE, MAP.SETIPNUM_BE]) expect(get(reads0)).toBe(0);
    for (const bank of [MAP.SETIP, MAP.CLRIP, MAP.SETIE, MAP.CLRIE])
      expect(get(bank + MAP.BY_NUMBER)).toBe(0);
  });

  test('a target has a hart and a priority that is never 0', () => {
    target(7, 0xffff_ffff);
    expect(get(MAP.TARGET + 28)).toBe(0);
    config(7, MODE.EDGE1);
    expect(get(MAP.TARGET + 28)).toBe(1);
    target(7, 0xffff_ffff);
    expect(get(MAP.TARGET + 28)).toBe(0xfffc_00ff);
    target(7, 0xff00);
    expect(get(MAP.TARGET + 28)).toBe(1);
    config(7, MODE.INACTIVE);
    expect(get(MAP.TARGET + 28)).toBe(0);
  });

  test('reserved places read 0 and ignore writes, in both domains', () => {
    const reserved = [0x1000, 0x1bbc, 0x1bc0, 0x1bcc, 0x1bd0, 0x1c80, 0x1ce0, 0x1fe0, 0x2008, 0x2ffc, 0x3000];
    for (const base of [0, S]) {
      for (const offset of [
        ...reserved,
        idc(0, 0xc),
        idc(0, MAP.TOPI),
        idc(HARTS, 0),
        APLIC.domainSize - 4,
      ]) {
        put(base + offset, 0xffff_ffff);
        expect(get(base + offset)).toBe(0);
      }
    }
    expect(told).toEqual([]);
  });

  test('only words are answered, and nothing between the two domains', () => {
    const bus = new Bus();
    bus.attach(0xc00_0000, aplic);
    expect(bus.read(0xc00_0000, 4)).toBe(true);
    expect([bus.low >>> 0, bus.read(0xd00_7ffc, 4)]).toEqual([0x8000_0000, true]);
    expect([1, 2, 8].map((width) => bus.read(0xc00_0000, width as 1 | 2 | 8))).toEqual([false, false, false]);
    for (const hole of [0xc00_8000, 0xcff_fffc, 0xd00_8000]) expect(bus.read(hole, 4)).toBe(false);
    expect(bus.write(0xd00_0004, 4, MODE.EDGE1)).toBe(true);
  });

  test('a wrong source or number of harts is refused', () => {
    for (const source of [0, -1, 97, 1.5, Number.NaN]) expect(() => aplic.line(source)).toThrow(/1 to 96/);
    const make = (harts: number) =>
      new Aplic(new Int32Array(10), { harts, domains: BOTH, delivery: { onChange() {} } });
    for (const harts of [0, 513, 0.5]) expect(() => make(harts)).toThrow(/1 to 512/);
    expect(() => make(2)).toThrow(/shared words/);
  });
});

describe('direct delivery', () => {
  test('an edge is pending until it is claimed', () => {
    listen(10, MODE.EDGE1, 1, 5);
    told = [];
    aplic.line(10).set(true);
    expect(levels(0)).toEqual([false, true, false]);
    expect(get(idc(1, MAP.TOPI))).toBe(0xa_0005);
    aplic.line(10).set(false);
    expect([claim(0), claim(1), claim(1)]).toEqual([0, 0xa_0005, 0]);
    expect(levels(0)).toEqual([false, false, false]);
    expect(told).toEqual(['0.1', '0.1']);
    aplic.line(10).set(true);
    expect(claim(1)).toBe(0xa_0005);
    // No edge, no interrupt.
    aplic.line(10).set(true);
    expect(claim(1)).toBe(0);
  });

  test.each([
    ['a high', MODE.LEVEL1, true],
    ['a low', MODE.LEVEL0, false],
  ])('%s level stays pending over claims until it falls', (_, mode, asserted) => {
    aplic.line(10).set(!asserted);
    listen(10, mode, 2, 1);
    expect(levels(0)).toEqual([false, false, false]);
    aplic.line(10).set(asserted);
    expect([claim(2), claim(2), aplic.signals(0, 2)]).toEqual([0xa_0001, 0xa_0001, true]);
    put(MAP.CLRIP, 1 << 10);
    expect(pending(10)).toBe(1);
    aplic.line(10).set(!asserted);
    expect([pending(10), aplic.signals(0, 2), claim(2)]).toEqual([0, false, 0]);
    put(MAP.SETIP, 1 << 10);
    expect(pending(10)).toBe(0);
  });

  test('a level that is there when the source becomes active counts, an edge of before does not', () => {
    aplic.line(10).set(true);
    aplic.line(11).set(true);
    listen(10, MODE.LEVEL1, 0, 1);
    listen(11, MODE.EDGE1, 0, 1);
    expect([get(MAP.CLRIP), get(MAP.SETIP)]).toEqual([0xc00, 0x400]);
    config(10, MODE.LEVEL0);
    expect([get(MAP.CLRIP), get(MAP.SETIP)]).toEqual([0x800, 0]);
  });

  test('a falling edge, and no wire at all', () => {
    aplic.line(10).set(true);
    listen(10, MODE.EDGE0, 0, 1);
    listen(11, MODE.DETACHED, 0, 1);
    aplic.line(11).set(true);
    expect(get(MAP.SETIP)).toBe(0);
    aplic.line(10).set(false);
    expect(claim(0)).toBe(0xa_0001);
  });

  test('smaller priority numbers come first, and smaller numbers among equals', () => {
    for (const [source, priority] of [
      [3, 9],
      [40, 2],
      [95, 2],
      [31, 9],
    ] as const) {
      listen(source, MODE.EDGE1, 0, priority);
      aplic.line(source).set(true);
    }
    expect(Array.from({ length: 5 }, () => claim(0) >>> 16)).toEqual([40, 95, 3, 31, 0]);
  });

  test('a threshold holds back its own priority and those behind it; 0 holds back none', () => {
    listen(10, MODE.EDGE1, 1, 255);
    aplic.line(10).set(true);
    put(idc(1, MAP.ITHRESHOLD), 255);
    expect([aplic.signals(0, 1), get(idc(1, MAP.TOPI)), claim(1)]).toEqual([false, 0, 0]);
    put(idc(1, MAP.ITHRESHOLD), 0);
    expect(aplic.signals(0, 1)).toBe(true);
    target(10, (1 << 18) | 4);
    put(idc(1, MAP.ITHRESHOLD), 0x105);
    expect([get(idc(1, MAP.ITHRESHOLD)), claim(1)]).toEqual([5, 0xa_0004]);
  });

  test('a domain and a hart can be shut, which topi and claimi do not see', () => {
    listen(10, MODE.EDGE1, 1, 1);
    aplic.line(10).set(true);
    told = [];
    put(MAP.DOMAINCFG, 0);
    put(idc(1, MAP.IDELIVERY), 0xfffe);
    put(MAP.DOMAINCFG, DOMAINCFG.IE);
    expect(aplic.signals(0, 1)).toBe(false);
    expect(get(idc(1, MAP.TOPI))).toBe(0xa_0001);
    put(idc(1, MAP.IDELIVERY), 1);
    expect([aplic.signals(0, 1), claim(1)]).toEqual([true, 0xa_0001]);
    expect(told).toEqual(['0.1', '0.1', '0.1']);
  });

  test('a forced interrupt is there until a claim finds nothing', () => {
    put(idc(2, MAP.IFORCE), 1);
    expect(aplic.signals(0, 2)).toBe(false);
    listen(10, MODE.EDGE1, 2, 1);
    aplic.line(10).set(true);
    expect([claim(2), aplic.signals(0, 2), get(idc(2, MAP.IFORCE))]).toEqual([0xa_0001, true, 1]);
    expect([claim(2), aplic.signals(0, 2), get(idc(2, MAP.IFORCE))]).toEqual([0, false, 0]);
  });

  test('each domain has wires of its own', () => {
    config(10, 0x400);
    listen(10, MODE.LEVEL1, 1, 1, S);
    listen(11, MODE.LEVEL1, 1, 1);
    told = [];
    aplic.line(10).set(true);
    expect([levels(0), levels(1)]).toEqual([
      [false, false, false],
      [false, true, false],
    ]);
    aplic.line(11).set(true);
    expect([claim(1), claim(1, S), told]).toEqual([0xb_0001, 0xa_0001, ['1.1', '0.1']]);
  });

  test('a source for a hart that there is not goes nowhere', () => {
    listen(10, MODE.LEVEL1, 0, 1);
    target(10, (HARTS << 18) | 1);
    aplic.line(10).set(true);
    expect([...levels(0), claim(0)]).toEqual([false, false, false, 0]);
  });

  test('a reset forgets everything but the wires, and saved state can be loaded', () => {
    listen(10, MODE.LEVEL1, 1, 1);
    aplic.line(10).set(true);
    const saved = structuredClone(aplic.save());
    told = [];
    aplic.reset();
    expect([aplic.signals(0, 1), get(40), told.length]).toEqual([false, 0, 2 * HARTS]);
    listen(10, MODE.LEVEL1, 1, 1);
    expect(aplic.signals(0, 1)).toBe(true);
    aplic = direct();
    aplic.restore(saved);
    expect([aplic.signals(0, 1), claim(1)]).toEqual([true, 0xa_0001]);
    expect(() => direct(['supervisor']).restore(saved)).toThrow(/same configuration/);
  });
});

describe('messages', () => {
  /** As firmware does it for harts of a machine like QEMU's. */
  function configureAddresses(): void {
    put(MAP.MSIADDRCFG, 0x2_4000);
    put(MAP.MSIADDRCFG + 4, 2 << 12);
    put(MAP.MSIADDRCFG + 8, 0x2_8000);
    put(MAP.MSIADDRCFG + 12, 2 << 20);
  }

  beforeEach(() => {
    aplic = byMessages();
    configureAddresses();
    put(MAP.DOMAINCFG, DOMAINCFG.IE);
    put(S + MAP.DOMAINCFG, DOMAINCFG.IE);
  });

  test('go to the file that the target names, of the level of its domain', () => {
    config(10, MODE.EDGE1);
    target(10, (2 << 18) | (3 << 12) | 77);
    expect(get(MAP.TARGET + 40)).toBe(0x8_004d);
    enable(10);
    config(11, 0x400);
    config(11, MODE.EDGE1, S);
    target(11, (1 << 18) | (3 << 12) | 78, S);
    enable(11, S);
    aplic.line(10).set(true);
    aplic.line(11).set(true);
    expect(sent).toEqual([
      { address: 0x2400_2000, data: 77 },
      { address: 0x2800_7000, data: 78 },
    ]);
    expect([pending(10), pending(11, S)]).toEqual([0, 0]);
  });

  test('a level is forwarded once, and again after its fall or when it is asked for', () => {
    config(10, MODE.LEVEL1);
    enable(10);
    aplic.line(10).set(true);
    expect([sent.length, pending(10), get(MAP.CLRIP)]).toEqual([1, 0, 0x400]);
    // As Linux does after its handler: section "Special consideration for level-sensitive interrupt sources".
    put(MAP.SETIPNUM_LE, 10);
    expect(sent).toHaveLength(2);
    aplic.line(10).set(false);
    put(MAP.SETIPNUM_LE, 10);
    expect([sent.length, pending(10)]).toEqual([2, 0]);
    aplic.line(10).set(true);
    expect(sent).toHaveLength(3);
  });

  test('what is pending waits for both enable bits', () => {
    config(10, MODE.LEVEL1);
    put(MAP.DOMAINCFG, 0);
    aplic.line(10).set(true);
    enable(10);
    expect([sent.length, pending(10)]).toEqual([0, 1]);
    put(MAP.CLRIE, 1 << 10);
    put(MAP.DOMAINCFG, DOMAINCFG.IE);
    expect([sent.length, pending(10)]).toEqual([0, 1]);
    enable(10);
    expect([sent.length, pending(10)]).toEqual([1, 0]);
    // Cleared by software before it could leave.
    put(MAP.CLRIE, 1 << 10);
    put(MAP.SETIP, 1 << 10);
    put(MAP.CLRIP + MAP.BY_NUMBER, 10);
    enable(10);
    expect(sent).toHaveLength(1);
  });

  test('genmsi sends at once, also from a domain that is shut', () => {
    put(MAP.DOMAINCFG, 0);
    put(MAP.GENMSI, 0xffff_f005 | 0);
    put(S + MAP.GENMSI, (1 << 18) | 6);
    expect(sent).toEqual([
      { address: 0x2400_3000, data: 5 },
      { address: 0x2800_4000, data: 6 },
    ]);
    expect([get(MAP.GENMSI), get(S + MAP.GENMSI)]).toEqual([0xfffc_0005, 0x4_0006]);
  });

  test('there is no direct delivery beside them', () => {
    for (const register of [MAP.IDELIVERY, MAP.IFORCE, MAP.ITHRESHOLD]) put(idc(0, register), 1);
    expect([get(idc(0, MAP.IDELIVERY)), get(idc(0, MAP.IFORCE)), aplic.signals(0, 0)]).toEqual([0, 0, false]);
  });

  test('addresses have the fields of the specification, in the root alone, and can be locked', () => {
    for (let index = 0; index < 4; index++) {
      put(S + MAP.MSIADDRCFG + 4 * index, 0xffff_ffff);
      put(MAP.MSIADDRCFG + 4 * index, index === 1 ? 0x7fff_ffff : 0xffff_ffff);
    }
    const read = (base: number) => [0, 1, 2, 3].map((index) => get(base + MAP.MSIADDRCFG + 4 * index));
    expect(read(0)).toEqual([0xffff_ffff, 0x1f77_ffff, 0xffff_ffff, 0x70_0fff]);
    expect(read(S)).toEqual([0, 0, 0, 0]);
    put(MAP.MSIADDRCFG + 4, 0x8000_0000);
    for (let index = 0; index < 4; index++) put(MAP.MSIADDRCFG + 4 * index, 0);
    expect(read(0)).toEqual([0xffff_ffff, 0x8000_0000, 0xffff_ffff, 0x70_0fff]);
  });

  test('harts in groups: the formula of the specification', () => {
    put(MAP.MSIADDRCFG, 0x1000_0000);
    put(MAP.MSIADDRCFG + 4, (20 << 24) | (1 << 20) | (3 << 16) | (4 << 12) | 0x800);
    put(MAP.GENMSI, (((5 << 4) | 9) << 18) | 1);
    const page = (0x800n << 32n) | 0x1000_0000n | (5n << 32n) | (9n << 1n);
    expect(sent.map(({ address }) => BigInt(address))).toEqual([page << 12n]);
  });

  test('a root at supervisor level sends to pages that nobody has to tell it', () => {
    aplic = byMessages(0, ['supervisor']);
    put(MAP.DOMAINCFG, DOMAINCFG.IE);
    put(MAP.MSIADDRCFG, 1);
    config(10, MODE.EDGE1);
    target(10, (2 << 18) | (1 << 12) | 9);
    enable(10);
    aplic.line(10).set(true);
    expect([sent, get(MAP.MSIADDRCFG), get(MAP.TARGET + 40)]).toEqual([
      [{ address: 0x2800_2000, data: 9 }],
      0,
      0x8_0009,
    ]);
  });
});
