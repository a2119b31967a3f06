import { FILE_BLOCK, FILE_REGISTER, type FileWords, InterruptFile } from '../../interrupts/interrupt-file.ts';
import type { Protocol } from '../../interrupts/protocol.ts';

/** The interrupt file of a scenario's vCPU, as one thread reaches it. */
export interface FilePlace {
  /** The words of the file, as `FILE_BLOCK` has them. */
  readonly words: FileWords;
  /** The largest identity. */
  readonly identities: number;
  /** One more word, for a lock. */
  readonly lock: Int32Array<ArrayBufferLike>;
  /** Makes the vCPU look at its interrupts. */
  kick(): void;
  /** Sets or unsets VSEIP by the protocol of the vCPU. */
  setExternal(high: boolean): void;
}

/**
 * A way to keep an interrupt file: what arrives, and what its owner does with it. As with a protocol, each function may
 * be stopped at any access.
 */
export interface FileWay {
  /**
   * The hart reaches the file while its guest runs, and asks it for VSEIP. Otherwise each access of the guest is an
   * exit, and VSEIP is set and unset.
   */
  readonly isInHart: boolean;
  /** A message arrives. Any thread. */
  receive(place: FilePlace, identity: number): void;
  /**
   * The same where generated code sets the bit itself (`sendMessage` of `hart/interpreter/miss-code.ts`), and asks
   * behind that whether the vCPU must be kicked. There is none for ways that are not in a hart.
   *
   * @param isSet called when the bit is set
   */
  receiveInCode?(place: FilePlace, identity: number, isSet: () => void): void;
  /** Whether the file has something to deliver, where the hart asks for it. */
  asserts(place: FilePlace): boolean;
  /** The guest exchanges `stopei`. Returns the identity, 0 if there is none. */
  claim(place: FilePlace): number;
  /** The guest reads the register of an array with that number, and the next: 64 bits. */
  read(place: FilePlace, register: number): readonly [low: number, high: number];
  /**
   * The guest writes a register; of the arrays, it sets or clears bits of the one with that number and the next.
   *
   * @param bit of the 64; for the other registers the value
   */
  write(place: FilePlace, register: number, bit: number, set: boolean): void;
}

/** A protocol that comes with a way of its own to keep an interrupt file. */
export interface FileProtocol extends Protocol {
  readonly file: FileWay;
}

/** The way that belongs to a protocol: the shipped one unless it has its own. */
export function wayOf(protocol: Protocol): FileWay {
  return 'file' in protocol ? (protocol as FileProtocol).file : SHIPPED;
}

const { pending: PENDING } = FILE_BLOCK.word;

/** The file as a hart has it: `interrupt-file.ts` itself, or a changed one in its place. */
export function inHart(File: typeof InterruptFile): FileWay {
  const of = ({ words, identities }: FilePlace) => new File(words, identities);
  return {
    isInHart: true,
    receive: (place, identity) => {
      if (of(place).receive(identity)) place.kick();
    },
    receiveInCode: (place, identity, isSet) => {
      const bit = 1 << (identity & 31);
      // Meets the accesses of the owner, as the or in `InterruptFile.receive` does.
      const rose = (Atomics.or(place.words, PENDING + (identity >>> 5), bit) & bit) === 0;
      isSet();
      if (rose && of(place).takes(identity)) place.kick();
    },
    asserts: (place) => of(place).asserts(),
    claim: (place) => of(place).claim(),
    read: (place, register) => {
      const value = { low: 0, high: 0 };
      of(place).read(register, 64, value);
      return [value.low, value.high];
    },
    write: (place, register, bit, set) => {
      const file = of(place);
      if (register < FILE_REGISTER.pending) {
        file.write(register, 64, 0, 0, bit, 0);
        return;
      }
      const old = { low: 0, high: 0 };
      file.read(register, 64, old);
      const [low, high] = bit < 32 ? [1 << bit, 0] : [0, 1 << (bit - 32)];
      const changed = (word: number, bits: number) => (set ? word | bits : word & ~bits);
      file.write(register, 64, old.low, old.high, changed(old.low, low), changed(old.high, high));
    },
  };
}

const SHIPPED = inHart(InterruptFile);
