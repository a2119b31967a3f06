import { beforeEach, describe, expect, test } from 'vitest';
import { CSR, FIELD, HART_BYTES, TLB } from './layout.ts';
import { UNPAGED } from './mmu/index.ts';
import { HartState } from './state.ts';
import { Tlb } from './tlb.ts';

const PAGE = 0x1000;
const MEGA = 0x20_0000;
const HOST = 0x10_0000;
const TABLE = HART_BYTES;

let state: HartState;
let tlb: Tlb;
let words: Int32Array;

beforeEach(() => {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 32, shared: true });
  state = new HartState(memory, 0);
  words = new Int32Array(memory.buffer, TABLE, TLB.bytes >> 2);
  // Old contents, as another thread's hart would leave them.
  words.fill(0x0101_0101);
  tlb = new Tlb(state, memory, TABLE);
  use({});
});

interface Place {
  readonly guestMode?: number;
  readonly privilege?: number;
  readonly virtual?: number;
  readonly asid?: number;
  readonly vmid?: number;
  readonly mode?: number;
}

function use({ privilege = 1, virtual = 0, asid = 0, vmid = 0, mode = 8, guestMode = 8 }: Place): void {
  state.privilege = privilege;
  state.virtual = virtual;
  state.csr[(virtual === 0 ? CSR.satp : CSR.vsatp) + 1] = (mode << 28) | (asid << 12);
  state.csr[CSR.hgatp + 1] = (guestMode << 28) | (vmid << 12);
  tlb.select();
}

/** Whether generated code finds a translation of a page for loads. */
function hits(page: number, high = 0): boolean {
  const low = (page * PAGE) | 0;
  const at = (TLB.loads + (page % TLB.entries) * TLB.entryBytes) >> 2;
  const key = state.words[FIELD.loadKey >> 2] ?? 0;
  return words[at] === (low | key) && words[at + 1] === high;
}

const fill = (page: number, high = 0, size: number = PAGE): void =>
  tlb.fillLoad((page * PAGE) | 0, high, HOST, size);

describe('keys', () => {
  test.each([0, 1])('of thousands of contexts never let one hit what another left, %i ahead', (ahead) => {
    if (ahead === 1) {
      // One more key than the pairs that follow.
      state.csr[CSR.mstatus] = 1 << 18;
      tlb.select();
      state.csr[CSR.mstatus] = 0;
    }
    for (let asid = 0; asid < 1500; asid++) {
      use({ asid, virtual: asid & 1, vmid: asid >> 4 });
      for (let page = 0; page < asid; page++) if (hits(page)) throw new Error(`${asid} hits page ${page}`);
      fill(asid);
      expect(hits(asid)).toBe(true);
    }
  });

  test('of thousands of fences never bring back what was forgotten', () => {
    for (let round = 0; round < 1500; round++) {
      use({ asid: 5 });
      for (let page = 0; page < round; page++)
        if (hits(page)) throw new Error(`page ${page} after fence ${round}`);
      fill(round);
      if (round % 3 === 0) tlb.flushAll();
      else tlb.flushContexts(false, round % 3 === 1 ? 5 : undefined);
    }
  });

  test('last over a switch to other contexts and back', () => {
    use({ asid: 1 });
    fill(7);
    use({ asid: 2 });
    use({ privilege: 3 });
    use({ asid: 1 });
    expect(hits(7)).toBe(true);
  });

  test.each<[string, Place, Place]>([
    ['VMID', { vmid: 1 }, { vmid: 2 }],
    ['VMID where hgatp does not translate', { vmid: 1, guestMode: 0 }, { vmid: 2, guestMode: 0 }],
    ['VMID where nothing translates', { vmid: 1, guestMode: 0, mode: 0 }, { vmid: 2, guestMode: 0, mode: 0 }],
    ['MODE of hgatp', { guestMode: 0 }, { guestMode: 8 }],
    ['MODE of vsatp', { mode: 0 }, { mode: 8 }],
    ['ASID', { asid: 1 }, { asid: 2 }],
  ])('of guests differ by %s', (_, first, second) => {
    use({ virtual: 1, ...first });
    fill(7);
    use({ virtual: 1, ...second });
    expect(hits(7)).toBe(false);
  });

  test('are of one kind for loads and stores, and of another for fetches', () => {
    tlb.fillFetch(PAGE, 0, 0x1234, PAGE);
    expect(tlb.lookupFetch(PAGE + 6, 0)).toBe(0x1234);
    expect(tlb.lookupFetch(PAGE + 6, 1)).toBe(0);
    fill(1);
    tlb.flushFetches();
    expect(tlb.lookupFetch(PAGE + 6, 0)).toBe(0);
    expect(hits(1)).toBe(true);
  });

  test('do not take anything on trust that was in memory before', () => {
    for (let page = 0; page < TLB.entries; page++) expect(hits(page)).toBe(false);
    expect(words.every((word) => word === 0)).toBe(true);
  });
});

describe('a fence', () => {
  test.each<[string, boolean, number | undefined, Place, boolean]>([
    ['of all address spaces', false, undefined, { asid: 3 }, false],
    ['of an ASID forgets it', false, 3, { asid: 3 }, false],
    ['of an ASID keeps others', false, 3, { asid: 4 }, true],
    ['of an ASID keeps no guest in mind', false, 3, { asid: 3, virtual: 1 }, true],
    ['of guests', true, undefined, { asid: 3, virtual: 1, vmid: 9 }, false],
    ['of guests keeps the others', true, undefined, { asid: 3 }, true],
    ['of an ASID of guests', true, 3, { asid: 3, virtual: 1, vmid: 2 }, false],
    ['of another ASID of guests', true, 4, { asid: 3, virtual: 1, vmid: 2 }, true],
    ['of all guests that do not page', true, undefined, { mode: 0, virtual: 1 }, false],
  ])('%s', (_, virtual, asid, place, kept) => {
    use(place);
    fill(7);
    use({ asid: 100 });
    tlb.flushContexts(virtual, asid);
    use(place);
    expect(hits(7)).toBe(kept);
  });

  test('of a page forgets it in every context and table, and no other', () => {
    use({ asid: 1 });
    fill(7);
    fill(8);
    tlb.fillFetch(7 * PAGE, 0, 0x1234, PAGE);
    tlb.fillStore(7 * PAGE, 0, HOST, PAGE);
    use({ asid: 2 });
    tlb.flushPage(7 * PAGE + 5, 0, false);
    use({ asid: 1 });
    expect([hits(7), hits(8), tlb.lookupFetch(7 * PAGE, 0)]).toEqual([false, true, 0]);
    expect(words[(TLB.stores + 7 * TLB.entryBytes) >> 2]).toBe(0);
  });

  test.each([
    ['low', 0, 0x4000],
    ['high', -1, 0x8_0000],
  ])('of any page of a superpage forgets all of it in the %s half', (_, high, first) => {
    for (const fenced of [0, 1, 511]) {
      tlb.flushAll();
      fill(first + 77, high, MEGA);
      expect(hits(first + 77, high)).toBe(true);
      tlb.flushPage(((first + fenced) * PAGE) | 0, high, false);
      expect(hits(first + 77, high)).toBe(false);
    }
  });

  test('of a page beside a superpage, or of the other half, leaves it alone', () => {
    fill(0x4000 + 77, 0, MEGA);
    tlb.flushPage((0x4000 + 512) * PAGE, 0, false);
    tlb.flushPage(0x4000 * PAGE, -1, false);
    expect(hits(0x4000 + 77)).toBe(true);
  });

  test("of a program's page spares others, wherever the kernel has superpages", () => {
    for (let mega = 0; mega < 4096; mega++) fill(mega * 512 + 100, -0x40_0000, MEGA);
    for (let giga = 0; giga < 4096; giga++) fill(giga * 512 * 512 + 100, -0x40_0000 - giga, 512 * MEGA);
    for (const page of [0x10, 0x1_0000, 0xf_fff0]) {
      fill(page);
      fill(page + 1);
      tlb.flushPage((page * PAGE) | 0, 0, false);
      expect([hits(page), hits(page + 1)]).toEqual([false, true]);
    }
  });

  test.each([
    ['2 MiB', MEGA],
    ['1 GiB', 512 * MEGA],
  ])('of a superpage of %s is about its tagged names, too', (_, size) => {
    const high = 0x12;
    state.csr[CSR.menvcfg + 1] = 3;
    use({});
    for (const tag of [0, 0x7f00_0000, 0x8000_0000, 0xff00_0000]) {
      const tagged = high | tag;
      fill(0x4000 + 77, tagged, size);
      expect(hits(0x4000 + 77, tagged)).toBe(true);
      tlb.flushPage(0x4000 * PAGE, high, false);
      expect(hits(0x4000 + 77, tagged)).toBe(false);
      tlb.flushAll();
    }
  });

  test('of a page without translation has nothing to do with superpages', () => {
    fill(0x4000 + 77, 0, UNPAGED);
    tlb.flushPage(0x4000 * PAGE, 0, false);
    expect(hits(0x4000 + 77)).toBe(true);
  });
});
