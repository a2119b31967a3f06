import type { GuestMemory, GuestPhysical } from '../../memory/guest-memory.ts';
import type { DeviceSpace, InterruptFilePort, Platform } from '../platform.ts';

/** Questions of a hart to its surroundings. */
const QUESTION = { ticks: 0, lines: 1, guestExternalLines: 2, read: 3, write: 4, file: 5 } as const;
type Question = (typeof QUESTION)[keyof typeof QUESTION];

/** Of a question to an interrupt file, the operand behind the file's number. */
const FILE_CALL = { asserts: 0, top: 1, claim: 2, read: 3, write: 4 } as const;

/** A question with its operands and the answer. */
interface Entry {
  readonly question: Question;
  /**
   * Of a device access: address and width; of a write the value too. Of an interrupt file: its number, what is called,
   * and with what.
   */
  readonly operands: readonly number[];
  readonly answered: boolean;
  readonly low: number;
  readonly high: number;
  /** Writes to RAM on the way: a device may read and write memory. */
  readonly writes: readonly Write[];
}

interface Write {
  readonly address: GuestPhysical;
  readonly bytes: Uint8Array;
}

const NONE: readonly Write[] = [];

/**
 * The answers that one hart got from its surroundings, for another hart that must get the same ones: then
 * nothing that they do differently comes from outside.
 */
export class Tape {
  readonly #entries: Entry[] = [];
  /** RAM of the second hart. */
  readonly #ram: GuestMemory;
  /** Writes for the entry that comes next. */
  #writes: Write[] = [];
  #at = 0;
  #mode: 'live' | 'record' | 'replay' = 'live';
  #low = 0;
  #high = 0;
  /** How the second hart left the tape first, in words. */
  #strayed: string | undefined;

  /**
   * @param first RAM of the first hart; the host's writes there are found by the second one at the same point of its
   * code
   * @param second RAM of the second hart
   */
  constructor(first: GuestMemory, second: GuestMemory) {
    this.#ram = second;
    first.onWrite((address, length) => {
      const bytes = first.copyOut(address, length);
      if (bytes === undefined) return;
      if (this.#mode === 'record') this.#writes.push({ address, bytes });
      else second.copyIn(address, bytes);
    });
  }

  /** Runs `body` with everything that the first hart asks recorded. */
  record(body: () => void): void {
    this.#entries.length = 0;
    this.#at = 0;
    this.#strayed = undefined;
    this.#writes = [];
    this.#in('record', body);
  }

  /** Runs `body` with the second hart's questions answered as the first one's were; may be called several times. */
  replay(body: () => void): void {
    this.#in('replay', body);
  }

  /** Why the second hart did not ask the same as the first one; undefined if it did. */
  get difference(): string | undefined {
    if (this.#strayed !== undefined) return this.#strayed;
    const left = this.#entries[this.#at];
    return left === undefined ? undefined : `${describe(left)}, the interpreter does not`;
  }

  #in(mode: 'record' | 'replay', body: () => void): void {
    this.#mode = mode;
    try {
      body();
    } finally {
      this.#mode = 'live';
    }
  }

  /** The surroundings of the first hart. */
  recordPlatform(platform: Platform): Platform {
    const ask = (question: Question, answer: () => number): number => {
      const low = answer();
      this.#note({ question, operands: [], answered: true, low, high: 0 });
      return low;
    };
    return {
      ticks: () => ask(QUESTION.ticks, () => platform.ticks()),
      lines: (wanted) => ask(QUESTION.lines, () => platform.lines(wanted)),
      guestExternalLines: () => ask(QUESTION.guestExternalLines, () => platform.guestExternalLines()),
      interruptFile: (number) => this.#recordFile(number, platform.interruptFile?.(number)),
    };
  }

  #recordFile(number: number, file: InterruptFilePort | undefined): InterruptFilePort | undefined {
    if (file === undefined) return undefined;
    const note = (operands: readonly number[], low: number, high = 0, answered = true): void =>
      this.#note({ question: QUESTION.file, operands: [number, ...operands], answered, low, high });
    return {
      asserts: () => {
        const asserts = file.asserts();
        note([FILE_CALL.asserts], asserts ? 1 : 0);
        return asserts;
      },
      top: () => {
        const top = file.top();
        note([FILE_CALL.top], top);
        return top;
      },
      claim: (identity) => {
        file.claim(identity);
        note([FILE_CALL.claim, identity], 0);
      },
      read: (register, xlen, out) => {
        const isThere = file.read(register, xlen, out);
        note([FILE_CALL.read, register, xlen], out.low, out.high, isThere);
        return isThere;
      },
      write: (...values) => {
        file.write(...values);
        note([FILE_CALL.write, ...values], 0);
      },
    };
  }

  recordDevices(devices: DeviceSpace): DeviceSpace {
    const note = (question: Question, operands: readonly number[], answered: boolean): boolean => {
      const { low, high } = devices;
      this.#note({ question, operands, answered, low, high });
      return answered;
    };
    return {
      read: (address, width) => note(QUESTION.read, [address, width], devices.read(address, width)),
      write: (address, width, low, high) =>
        note(QUESTION.write, [address, width, low, high], devices.write(address, width, low, high)),
      get low() {
        return devices.low;
      },
      get high() {
        return devices.high;
      },
    };
  }

  /** The surroundings of the second hart; those of the first one outside of {@link replay}. */
  replayPlatform(platform: Platform): Platform {
    const ask = (question: Question, live: () => number): number =>
      this.#mode === 'live' ? live() : this.#next(question, []).low;
    return {
      ticks: () => ask(QUESTION.ticks, () => platform.ticks()),
      lines: (wanted) => ask(QUESTION.lines, () => platform.lines(wanted)),
      guestExternalLines: () => ask(QUESTION.guestExternalLines, () => platform.guestExternalLines()),
      interruptFile: (number) => {
        const file = platform.interruptFile?.(number);
        return this.#mode === 'live' || file === undefined ? file : this.#replayFile(number);
      },
    };
  }

  #replayFile(number: number): InterruptFilePort {
    const ask = (...operands: readonly number[]): Entry => this.#next(QUESTION.file, [number, ...operands]);
    return {
      asserts: () => ask(FILE_CALL.asserts).low !== 0,
      top: () => ask(FILE_CALL.top).low,
      claim: (identity) => void ask(FILE_CALL.claim, identity),
      read: (register, xlen, out) => {
        const { answered, low, high } = ask(FILE_CALL.read, register, xlen);
        out.low = low;
        out.high = high;
        return answered;
      },
      write: (...values) => void ask(FILE_CALL.write, ...values),
    };
  }

  replayDevices(): DeviceSpace {
    const tape = this;
    return {
      read: (address, width) => tape.#answer(QUESTION.read, [address, width]),
      write: (address, width, low, high) => tape.#answer(QUESTION.write, [address, width, low, high]),
      get low() {
        return tape.#low;
      },
      get high() {
        return tape.#high;
      },
    };
  }

  #note(entry: Omit<Entry, 'writes'>): void {
    if (this.#mode !== 'record') return;
    const writes = this.#writes.length > 0 ? this.#writes : NONE;
    if (writes !== NONE) this.#writes = [];
    this.#entries.push({ ...entry, writes });
  }

  #answer(question: Question, operands: readonly number[]): boolean {
    const { answered, low, high } = this.#next(question, operands);
    this.#low = low;
    this.#high = high;
    return answered;
  }

  #next(question: Question, operands: readonly number[]): Entry {
    const entry = this.#entries[this.#at];
    const asked: Entry = { question, operands, answered: false, low: 0, high: 0, writes: [] };
    if (
      entry === undefined ||
      entry.question !== question ||
      operands.some((operand, index) => operand !== entry.operands[index])
    ) {
      const expected = entry === undefined ? 'compiled code does nothing more' : describe(entry);
      this.#strayed ??= `${expected}, ${describe(asked, 'the interpreter')}`;
      return asked;
    }
    this.#at++;
    for (const { address, bytes } of entry.writes) this.#ram.copyIn(address, bytes);
    return entry;
  }
}

function describe({ question, operands }: Entry, who = 'compiled code'): string {
  const [address = 0, width = 0, low = 0, high = 0] = operands;
  const device = `${width} bytes at device address 0x${address.toString(16)}`;
  const value = `0x${((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16)}`;
  switch (question) {
    case QUESTION.ticks:
      return `${who} reads the time`;
    case QUESTION.read:
      return `${who} loads ${device}`;
    case QUESTION.write:
      return `${who} stores ${value} in ${device}`;
    case QUESTION.file:
      return `${who} uses interrupt file ${address} (${[width, low, high].join(', ')})`;
    default:
      return `${who} looks at interrupt lines`;
  }
}
