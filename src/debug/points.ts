import type { DebugTarget, PointKind } from './target.ts';

/** The types of the protocol's `Z` packets, by their number. */
export const POINT_TYPES = ['software', 'hardware', 'write', 'read', 'access'] as const;
export type PointType = (typeof POINT_TYPES)[number];

const KINDS: Readonly<Record<PointType, PointKind>> = {
  software: 'code',
  hardware: 'code',
  write: 'write',
  read: 'read',
  access: 'access',
};

/** Watched memory is at most so many bytes long. */
const LONGEST_WATCH = 0x1_0000;

/** c.ebreak and ebreak, as debuggers write them that do without `Z` packets. */
const TRAPS: readonly string[] = ['2,144', '115,0,16,0'];

interface Point {
  readonly type: PointType;
  readonly address: bigint;
  readonly length: number;
}

/**
 * The points of a debugger. It may put several of them at one place, and breakpoints of its own by writing `ebreak`
 * into memory; the target has each place once.
 */
export class Points {
  readonly #target: DebugTarget;
  readonly #points = new Map<string, Point>();
  /** Traps that the debugger has written, with their length, by address. */
  readonly #written = new Map<bigint, number>();

  constructor(target: DebugTarget) {
    this.#target = target;
  }

  /** @returns false where there is no room for it, or the length makes no sense */
  insert(type: PointType, address: bigint, length: number): boolean {
    const point = { type, address, length: lengthOf(type, length) };
    if (point.length < 1 || point.length > LONGEST_WATCH) return false;
    if (this.#points.has(keyOf(point))) return true;
    if (!this.#isInTarget(point) && !this.#target.insertPoint(KINDS[type], address, point.length))
      return false;
    this.#points.set(keyOf(point), point);
    return true;
  }

  remove(type: PointType, address: bigint, length: number): void {
    const point = { type, address, length: lengthOf(type, length) };
    if (!this.#points.delete(keyOf(point)) || this.#isInTarget(point)) return;
    this.#target.removePoint(KINDS[type], address, point.length);
  }

  /** Whether a breakpoint of that type is at an address. */
  has(type: 'software' | 'hardware', address: bigint): boolean {
    return this.#points.has(keyOf({ type, address, length: lengthOf(type, 0) }));
  }

  /**
   * The debugger has written to memory. A trap that it writes is a breakpoint of its own, which the guest does not
   * get to see as an exception, until something else is written there.
   */
  wrote(address: bigint, bytes: Uint8Array): boolean {
    const end = address + BigInt(bytes.length);
    for (const [place, length] of [...this.#written]) {
      if (place >= end || place + BigInt(length) <= address) continue;
      this.#written.delete(place);
      this.remove('software', place, 0);
    }
    if (!isTrap(bytes)) return true;
    if (!this.insert('software', address, 0)) return false;
    this.#written.set(address, bytes.length);
    return true;
  }

  clear(): void {
    for (const { type, address, length } of [...this.#points.values()]) this.remove(type, address, length);
    this.#written.clear();
  }

  #isInTarget({ type, address, length }: Point): boolean {
    return POINT_TYPES.some(
      (other) => KINDS[other] === KINDS[type] && this.#points.has(keyOf({ type: other, address, length })),
    );
  }
}

function isTrap(bytes: Uint8Array): boolean {
  return bytes.length <= 4 && TRAPS.includes(bytes.join(','));
}

/** With breakpoints the protocol has there the kind of instruction, which is nothing to us. */
function lengthOf(type: PointType, length: number): number {
  return KINDS[type] === 'code' ? 1 : length;
}

function keyOf({ type, address, length }: Point): string {
  return `${type} ${address} ${length}`;
}
