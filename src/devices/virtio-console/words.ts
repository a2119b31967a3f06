import { array, i32, many, struct } from '../../layout/struct.ts';
import { ByteRing } from '../byte-ring.ts';
import type { PortFacts } from '../descriptor.ts';

/** Ports of a console at most. */
export const MOST_PORTS = 15;
/** Bytes of a terminal's output that nobody has taken yet. */
const OUTPUT_BYTES = 0x4000;

/** All shared words of its own. */
export const CONSOLE = struct({
  /** Columns in the low half, rows in the high one, for each port; 0 where nobody has said. */
  SIZES: array(i32, MOST_PORTS),
  /** {@link PORT} bits of each port. */
  PORTS: array(i32, MOST_PORTS),
  /** Bytes of the first buffer of output that are in the ring already, for each port. */
  TAKEN: array(i32, MOST_PORTS),
  /** The output of terminals. */
  RINGS: many(array(i32, ByteRing.wordsFor(OUTPUT_BYTES))),
});

export const WORD = CONSOLE.word;

/** Shared words of a console with such ports. */
export function consoleWords(ports: readonly PortFacts[]): number {
  return CONSOLE.wordsFor(ports.filter(isTerminal).length);
}

/** Whether a port is a terminal: it has no name. */
export function isTerminal({ name }: PortFacts): boolean {
  return name === undefined;
}

/** The rings of output by port; undefined for those that are no terminals. */
export function outputRings(
  words: Int32Array,
  ports: readonly PortFacts[],
): readonly (ByteRing | undefined)[] {
  let next: number = WORD.RINGS;
  return ports.map((port) => {
    if (!isTerminal(port)) return undefined;
    const ring = new ByteRing(words, next, OUTPUT_BYTES);
    next += ByteRing.wordsFor(OUTPUT_BYTES);
    return ring;
  });
}

/** Bits of a port: the driver's words, then the control messages that it is still to get, in their order. */
export const PORT = {
  /** The driver is ready to use it. */
  READY: 1 << 0,
  /** Somebody in the guest has it open. */
  OPEN: 1 << 1,
  ADD: 1 << 8,
  CONSOLE: 1 << 9,
  NAME: 1 << 10,
  OPENED: 1 << 11,
  RESIZE: 1 << 12,
  /** Before OPENED: the program at the outer end is gone. */
  CLOSED: 1 << 13,
  /** OPENED follows, when the guest has noticed that. */
  REOPENS: 1 << 2,
} as const;
