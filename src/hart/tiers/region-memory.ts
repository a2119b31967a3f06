import { REGION_RECORDS } from '../area.ts';

/**
 * Bytes that the process has for a region beside its code, and for each byte of its module: what the engine knows of a
 * module and its instance, and the machine code of both of its compilers. Measured with V8 by
 * `scripts/memory/region-cost.ts`.
 */
const FIXED_BYTES = 18 << 10;
const BYTES_FOR_BYTE = 5;
/** Part of all that is dropped at once where there is no more room. */
const SHARE = 8;

/**
 * How much memory the regions of a hart take, as an estimate, and which of them go where that is too much: the guest
 * decides how much code it has, so that the number of regions says little.
 */
export class RegionMemory {
  readonly #limit: number;
  /** By the numbers of regions; 0: it is not there. */
  readonly #bytes = new Float64Array(REGION_RECORDS);
  /** The sample that met it last. */
  readonly #met = new Float64Array(REGION_RECORDS);
  #samples = 0;
  #total = 0;

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of all regions. */
  get total(): number {
    return this.#total;
  }

  /** Another sample is taken; it met this region. */
  meet(number: number): void {
    this.#met[number] = ++this.#samples;
  }

  /** A region is put in place. @param moduleBytes of WebAssembly */
  add(number: number, moduleBytes: number): void {
    this.#bytes[number] = bytesFor(moduleBytes);
    this.#total += this.#bytes[number];
    this.meet(number);
  }

  remove(number: number): void {
    this.#total -= this.#bytes[number];
    this.#bytes[number] = 0;
  }

  /** The regions that must go before another one is put in place: those that no sample has met for longest. */
  victims(moduleBytes: number): readonly number[] {
    const excess = this.#total + bytesFor(moduleBytes) - this.#limit;
    return excess <= 0 ? [] : this.#longestUnmet(excess + this.#limit / SHARE);
  }

  /** A part of all regions: those that no sample has met for longest. */
  share(): readonly number[] {
    return this.#longestUnmet(this.#total / SHARE);
  }

  #longestUnmet(bytes: number): readonly number[] {
    const present: number[] = [];
    for (let number = 0; number < REGION_RECORDS; number++) if (this.#bytes[number] > 0) present.push(number);
    present.sort((a, b) => this.#met[a] - this.#met[b]);
    let found = 0;
    let count = 0;
    while (count < present.length && found < bytes) found += this.#bytes[present[count++]];
    return present.slice(0, count);
  }
}

function bytesFor(moduleBytes: number): number {
  return FIXED_BYTES + BYTES_FOR_BYTE * moduleBytes;
}
