import type { InputError } from '../../errors/input-error.ts';
import { MOST_HOT } from '../../hart/hot-code.ts';
import { type HartRegisters, SAVED_HART } from '../../hart/saved-registers.ts';
import { GuestMemory } from '../../memory/guest-memory.ts';
import { type MachinePlan, memoryFor } from '../plan.ts';
import type { KeptByDevice } from '../thread.ts';
import { SECTION_PAGES, TAG } from './format.ts';
import { MOST_RUNS_BYTES, PagePlacer } from './page-placer.ts';
import { PAGE } from './ram-pages.ts';
import type { SavedMachine } from './saved-machine.ts';
import { type StatePart, stateParts } from './state-parts.ts';

const WORD = Int32Array.BYTES_PER_ELEMENT;
/** Length of the head before the state that a device has kept. */
const KEPT_BYTES = 2 * WORD;

/** Puts the sections of a snapshot into their places: none of them is believed to be there, or to fit. */
export class MachineReader {
  readonly #damaged: (why: string) => InputError;
  readonly #memory: WebAssembly.Memory;
  readonly #parts: readonly StatePart[];
  /** All of RAM, for codecs that put pages there by themselves. */
  readonly ram: Uint8Array;
  readonly #harts: number;
  readonly #registers: HartRegisters[] = [];
  readonly #kept: KeptByDevice[] = [];
  #hot = new Uint32Array();
  #deviceTree: Uint8Array<ArrayBuffer> = new Uint8Array();
  /** How many of each kind there were, and the kind that came last. */
  readonly #counts = new Map<number, number>();
  #lastTag = 0;

  /** @param damaged makes the error about the file */
  constructor(plan: MachinePlan, damaged: (why: string) => InputError) {
    this.#damaged = damaged;
    this.#memory = memoryFor(plan);
    this.#parts = stateParts(plan);
    const ram = new GuestMemory(this.#memory, plan.ram).asWords();
    this.ram = new Uint8Array(ram.buffer, ram.byteOffset, ram.byteLength);
    this.#harts = plan.kind === 'bare' ? plan.cpus : 0;
  }

  /** Checks that a section may come next. @param bytes of it when it is unpacked */
  expect(tag: number, number: number, bytes: number): void {
    const count = this.#count(tag);
    if (tag < this.#lastTag || number !== count || !this.#fits(tag, number, bytes)) {
      throw this.#damaged('its parts are not those of its machine');
    }
    this.#lastTag = tag;
    this.#counts.set(tag, count + 1);
  }

  /** Takes a section that was expected. */
  take(tag: number, number: number, bytes: Uint8Array): void {
    switch (tag) {
      case TAG.tree:
        this.#deviceTree = new Uint8Array(bytes);
        break;
      case TAG.state:
        new Uint8Array(this.#memory.buffer).set(bytes, this.#parts[number].at);
        break;
      case TAG.registers:
        this.#registers[number] = new Uint8Array(bytes);
        break;
      case TAG.kept:
        this.#kept[number] = { ...keptHead(bytes), bytes: new Uint8Array(bytes.subarray(KEPT_BYTES)) };
        break;
      case TAG.hot:
        // A copy, which begins where words may.
        this.#hot = new Uint32Array(new Uint8Array(bytes).buffer);
        break;
      default:
        this.#takePages(bytes);
    }
  }

  /** @throws InputError when pages had no places */
  checkPlaced(isPlaced: boolean): void {
    if (!isPlaced) throw this.#damaged('pages of its memory are not where they can be');
  }

  /** All that was read. @throws InputError when something of it is missing */
  finished(): Pick<SavedMachine, 'memory' | 'deviceTree' | 'registers' | 'hot' | 'kept'> {
    const isWhole =
      this.#count(TAG.tree) === 1 &&
      this.#count(TAG.state) === this.#parts.length &&
      this.#count(TAG.registers) === this.#harts &&
      this.#count(TAG.hot) === 1;
    if (!isWhole) throw this.#damaged('a part of its machine is missing');
    const { length } = this.#deviceTree;
    if (length === 0) throw this.#damaged('its device tree is empty');
    return {
      ...{ memory: this.#memory, deviceTree: this.#deviceTree, registers: this.#registers, kept: this.#kept },
      hot: this.#hot,
    };
  }

  #count(tag: number): number {
    return this.#counts.get(tag) ?? 0;
  }

  #fits(tag: number, number: number, bytes: number): boolean {
    switch (tag) {
      case TAG.tree:
        return number === 0;
      case TAG.state:
        return this.#parts[number]?.bytes === bytes;
      case TAG.registers:
        return number < this.#harts && bytes === SAVED_HART.bytes;
      case TAG.kept:
        return bytes >= KEPT_BYTES;
      case TAG.ram:
        return bytes >= WORD && bytes <= MOST_RUNS_BYTES + SECTION_PAGES * PAGE;
      case TAG.hot:
        return number === 0 && bytes % WORD === 0 && bytes <= MOST_HOT * WORD;
      default:
        return false;
    }
  }

  #takePages(bytes: Uint8Array): void {
    const placer = new PagePlacer(this.ram);
    placer.take(bytes);
    this.checkPlaced(placer.isWhole);
  }
}

function keptHead(bytes: Uint8Array): { readonly device: number; readonly part: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { device: view.getInt32(0, true), part: view.getInt32(WORD, true) };
}
