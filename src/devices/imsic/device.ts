import { FILE_BLOCK, InterruptFile } from '../../interrupts/interrupt-file.ts';
import { swapBytes } from '../byte-order.ts';
import type { AccessWidth, DeviceWindow, InterruptWitness, MessagePort } from '../device.ts';
import { SharedDevice } from '../shared-device.ts';
import { IMSIC } from './facts.ts';
import { MAP } from './registers.ts';
import { imsicWords, WORD } from './words.ts';

/** The interrupt files of each hart that are not guests', in the order in which the machine has them. */
export type ImsicLevel = 'machine' | 'supervisor';

/** The wires of the controllers. */
export interface ImsicWiring {
  readonly harts: number;
  readonly levels: readonly ImsicLevel[];
  /** Guest interrupt files of each hart. */
  readonly guests: number;
  /**
   * An interrupt file of a hart has got something that the hart takes. Called on the thread that sent it, maybe with
   * the lock of a device held that sends messages, so it may not call into devices.
   */
  onArrival(hart: number): void;
  /** Traces messages. Harts send none by themselves then, so that it is told of all. */
  readonly witness?: Pick<InterruptWitness, 'message'> | undefined;
}

/**
 * The incoming MSI controllers of all harts: RISC-V AIA 1.0, chapter of that name. A write to a file's page is one
 * atomic or, and a kick where the hart takes the interrupt. All else is for the hart's CSRs, which have the same files.
 */
export class Imsic extends SharedDevice {
  readonly name = 'imsic';
  readonly size: number;
  readonly windows: readonly DeviceWindow[];
  readonly widths = 4;
  readonly #wiring: ImsicWiring;
  readonly #files: readonly InterruptFile[];
  /** Bytes from the supervisor-level file of a hart to that of the next: a power of two. */
  readonly #stride: number;

  /** Shared words of controllers for so many harts with so many files each. */
  static wordsFor(harts: number, filesPerHart: number): number {
    return imsicWords(harts * filesPerHart);
  }

  /** @param words - `Imsic.wordsFor` shared words */
  constructor(words: Int32Array, wiring: ImsicWiring) {
    const { harts, levels, guests } = wiring;
    const count = harts * (levels.length + guests);
    super(words, imsicWords(count), 'imsic');
    this.#wiring = wiring;
    this.#files = Array.from({ length: count }, (_, index) => {
      const first = WORD.FILES + index * FILE_BLOCK.words;
      return new InterruptFile(this.words.subarray(first, first + FILE_BLOCK.words), IMSIC.identities);
    });
    this.#stride = MAP.PAGE * 2 ** guestIndexBits(guests);
    this.windows = levels.map((level) =>
      level === 'machine'
        ? { offset: 0, size: harts * MAP.PAGE }
        : { offset: this.#supervisorAt, size: harts * this.#stride },
    );
    this.size = Math.max(...this.windows.map(({ offset, size }) => offset + size));
  }

  /** A file of a hart: of the levels that there are in their order, then of the guests. Undefined if there is none. */
  file(hart: number, number: number): InterruptFile | undefined {
    const each = this.#wiring.levels.length + this.#wiring.guests;
    return number >= 0 && number < each ? this.#files[hart * each + number] : undefined;
  }

  /** Offset of the page of a hart's supervisor-level file. */
  supervisorPage(hart: number): number {
    return this.#supervisorAt + hart * this.#stride;
  }

  /** A message is sent to a place in the controllers' pages. @returns false if no file takes messages there */
  receive(offset: number, data: number): boolean {
    return (
      offset >= 0 &&
      offset < this.size &&
      offset % MAP.PAGE === MAP.SETEIPNUM_LE &&
      this.#receive(offset, data)
    );
  }

  read(_offset: number, _width: AccessWidth): number {
    return 0;
  }

  write(offset: number, _width: AccessWidth, value: number): void {
    const register = offset % MAP.PAGE;
    if (register === MAP.SETEIPNUM_LE) this.#receive(offset, value);
    else if (register === MAP.SETEIPNUM_BE) this.#receive(offset - register, swapBytes(value));
  }

  messagePort(offset: number): MessagePort | undefined {
    if (offset % MAP.PAGE !== MAP.SETEIPNUM_LE || this.#wiring.witness !== undefined) return undefined;
    const { hart, number } = this.#placeOf(offset);
    const file = this.file(hart, number);
    if (file === undefined) return undefined;
    return {
      pendingAt: file.pendingAt,
      identities: file.identities,
      arrived: (identity) => {
        if (file.takes(identity)) this.#wiring.onArrival(hart);
      },
    };
  }

  /** Nothing: harts ask for their levels. */
  protected override driveOutputs(): void {}

  protected override afterReplacement(): void {
    for (let hart = 0; hart < this.#wiring.harts; hart++) this.#wiring.onArrival(hart);
  }

  /** Where there is no machine level the device begins with the files of supervisor level. */
  get #supervisorAt(): number {
    return this.#wiring.levels.includes('machine') ? IMSIC.supervisorAt : 0;
  }

  #receive(page: number, identity: number): boolean {
    const { hart, number } = this.#placeOf(page);
    const file = this.file(hart, number);
    if (file === undefined) return false;
    // Numbers that are no identity are ignored.
    if (identity > 0 && identity <= file.identities) this.#wiring.witness?.message(hart, number, identity);
    if (file.receive(identity)) this.#wiring.onArrival(hart);
    return true;
  }

  /** The file whose page begins at an offset; pages that fill up the room of a hart have none. */
  #placeOf(page: number): { readonly hart: number; readonly number: number } {
    const { levels } = this.#wiring;
    if (page < this.#supervisorAt) return { hart: page / MAP.PAGE, number: 0 };
    const offset = page - this.#supervisorAt;
    return {
      hart: Math.floor(offset / this.#stride),
      number: levels.length - 1 + (offset % this.#stride) / MAP.PAGE,
    };
  }
}

/** Bits of an address that name a guest file of a hart, 0 being the hart's own. */
export function guestIndexBits(guests: number): number {
  return Math.ceil(Math.log2(guests + 1));
}
