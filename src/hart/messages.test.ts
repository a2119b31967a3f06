import { beforeEach, describe, expect, test } from 'vitest';
import { DEVICE, FINISH, HartBed, PAGE, PTE, RAM } from '../../test/hart/hart-bed.ts';
import type { MessagePort } from './platform.ts';

const ROOT = RAM + 0x1_0000;
const MIDDLE = RAM + 0x1_1000;
const LEAVES = RAM + 0x1_2000;
const DATA = RAM + 0x2_0000;
/** Pending bits of the interrupt file behind the page of the device, in RAM for want of another place in memory. */
const PENDING = RAM + 0x3_0000;
const VIRTUAL = 0x4000_0000;
const IDENTITIES = 63;

let arrived: number[] = [];

class MessageBed extends HartBed {
  constructor(engine: 'interp' | 'jit') {
    super({
      engine,
      messagePort: (address): MessagePort | undefined =>
        address === DEVICE
          ? {
              pendingAt: this.hostOf(PENDING),
              identities: IDENTITIES,
              arrived: (identity) => arrived.push(identity),
            }
          : undefined,
    });
    this.hart.pmp.allowAll();
    this.setEntry(ROOT, RAM / 2 ** 30, RAM, PTE.all);
    this.setEntry(ROOT, 0, 0, PTE.all);
    this.setEntry(ROOT, VIRTUAL / 2 ** 30, MIDDLE, PTE.v);
    this.setEntry(MIDDLE, 0, LEAVES, PTE.v);
    this.setEntry(LEAVES, 0, DEVICE, PTE.all);
    this.setCsr('satp', (8n << 60n) | BigInt(ROOT >>> 12));
  }

  /** Runs a body in S-mode, with the page in a1. */
  carryOut(body: string): void {
    this.load(`
      la t0, body; csrw mepc, t0; li t0, 0x800; csrw mstatus, t0; mret
      body: li a1, ${VIRTUAL}
      ${body}
      ${FINISH}`);
    this.hart.fenceI();
    this.hart.state.privilege = 3;
    this.pc = BigInt(RAM);
    this.finish();
  }

  get stores(): number[] {
    return this.accesses.map(({ low }) => low);
  }
}

const send = (identity: number): string => `li a2, ${identity}; sw a2, (a1)\n`;

describe.each(['interp', 'jit'] as const)(
  'messages to a page of an interrupt file that is known (%s)',
  (engine) => {
    let bed = new MessageBed(engine);
    beforeEach(() => {
      arrived = [];
      bed = new MessageBed(engine);
    });
    const pending = () => bed.read64(PENDING);

    test('set a bit, and tell of it where it was not set', () => {
      bed.carryOut(send(1) + send(5) + send(63) + send(5));
      expect(bed.stores).toEqual([1]);
      expect([arrived, pending()]).toEqual([[5, 63], (1n << 5n) | (1n << 63n)]);
    });

    test('that are none go to the device', () => {
      bed.carryOut(`
      ${send(1)} ${send(0)} ${send(64)} ${send(-1)}
      li a2, 6; sw a2, 4(a1); sw a2, 8(a1); sh a2, (a1); sb a2, (a1); sd a2, (a1); sw a2, 0x7f8(a1)`);
      expect(bed.stores).toEqual([1, 0, 64, -1, 6, 6, 6, 6, 6, 6]);
      expect([arrived, pending()]).toEqual([[], 0n]);
    });

    test.each(['sfence.vma', 'sfence.vma a1'])('follow the page table after a fence: %s', (fence) => {
      const leaf = (BigInt(DATA >>> 12) << 10n) | BigInt(PTE.all);
      bed.carryOut(`
      ${send(1)} ${send(2)}
      li t0, ${LEAVES}; li t1, ${leaf}; sd t1, (t0)
      ${fence}
      ${send(3)}`);
      expect([bed.stores, arrived, pending(), bed.read64(DATA) & 0xffn]).toEqual([[1], [2], 4n, 3n]);
    });

    test('are of their address space', () => {
      const other = RAM + 0x1_4000;
      bed.setEntry(other, RAM / 2 ** 30, RAM, PTE.all);
      bed.setEntry(other, 0, 0, PTE.all);
      bed.setEntry(other, VIRTUAL / 2 ** 30, RAM, PTE.all);
      const satp = (8n << 60n) | (1n << 44n) | BigInt(other >>> 12);
      bed.carryOut(`
      ${send(1)} ${send(2)}
      csrr t2, satp; li t0, ${satp}; csrw satp, t0
      li t3, ${DATA - RAM}; add a1, a1, t3
      ${send(9)}
      sub a1, a1, t3
      csrw satp, t2
      ${send(4)}`);
      expect([bed.stores, arrived, bed.read64(DATA) & 0xffn]).toEqual([[1], [2, 4], 9n]);
    });
  },
);

test('a page has one place among those known', () => {
  arrived = [];
  const bed = new MessageBed('interp');
  bed.setEntry(LEAVES, 16, DATA + PAGE, PTE.all);
  bed.carryOut(`${send(1)} li t3, ${16 * PAGE}; add a1, a1, t3; ${send(7)} sub a1, a1, t3; ${send(2)}`);
  expect([bed.stores, arrived, bed.read64(DATA + PAGE) & 0xffn]).toEqual([[1], [2], 7n]);
});
