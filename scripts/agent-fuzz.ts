/**
 * Sends frames of a hostile agent to the host's end, a million unless told otherwise: well-formed and broken ones, in
 * pieces of any size, with and without streams of all kinds open.
 *
 *     node scripts/agent-fuzz.ts [--frames N] [--seed N]
 *
 * It fails where something else than an AgentError comes out, where a connection is not usable again after the guest
 * has opened its port anew, or where more is kept than the windows allow.
 */
import { parseArgs } from 'node:util';
import { AgentError } from '../src/agent/agent-error.ts';
import { AgentConnection } from '../src/agent/connection.ts';
import { encodeFrame } from '../src/agent/frame.ts';
import { helloPayload } from '../src/agent/hello.ts';
import { CHANNEL, FRAME, PROTOCOL } from '../src/agent/protocol.ts';

const WINDOW = 1000;
const STREAMS = 4;
/** Types of frames with usual sizes of their payloads. */
const USUAL: readonly (readonly [number, number])[] = [
  [FRAME.DATA, 10],
  [FRAME.DATA, 1],
  [FRAME.CREDIT, 4],
  [FRAME.END, 0],
  [FRAME.STARTED, 4],
  [FRAME.EXITED, 16],
  [FRAME.DONE, 4],
];
const TYPES = [...Object.values(FRAME), 99];

/** Numbers that look random and are the same for the same seed (xorshift32). */
function numbers(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function hostileFrame(next: (below: number) => number): Uint8Array {
  const isUsual = next(30) > 0;
  const [type, size] = isUsual
    ? USUAL[next(USUAL.length)]
    : [TYPES[next(TYPES.length)], next(8) === 0 ? next(70_000) : next(40)];
  const stream = isUsual ? 1 + next(STREAMS) : next(STREAMS + 2);
  const frame = encodeFrame(stream, type, new Uint8Array(size), type === FRAME.DATA ? CHANNEL.OUT : 0);
  for (let flips = next(50) === 0 ? 1 + next(4) : 0; flips > 0; flips--)
    frame[next(Math.min(frame.length, 32))] ^= 1 << next(8);
  for (let at = PROTOCOL.HEADER_BYTES; at < Math.min(frame.length, 64); at++) frame[at] = next(256);
  return frame;
}

class Opponent {
  readonly #connection = new AgentConnection();
  readonly #next: (below: number) => number;
  #seen = 0;
  refusals = 0;

  constructor(next: (below: number) => number) {
    this.#next = next;
    this.#connection.attach({ input: (bytes) => (next(3) === 0 ? 0 : next(bytes.length + 1)) });
  }

  /** A new connection of the guest, with streams. */
  begin(): void {
    this.#connection.opened(false);
    this.#connection.opened(true);
    this.#connection.output(encodeFrame(0, FRAME.HELLO, helloPayload({ version: PROTOCOL.VERSION, pid: 1 })));
    this.#seen = 0;
    for (let count = 0; count < STREAMS; count++) {
      this.#connection.open(
        {
          type: FRAME.RUN,
          payload: new Uint8Array(),
          windows: [{ channel: CHANNEL.OUT, bytes: WINDOW }],
        },
        {
          data: (_, bytes) => {
            this.#seen += bytes.length;
          },
          done: (_, payload) => {
            while (payload.left >= 4) payload.u32();
          },
          failed: (error) => {
            if (!(error instanceof AgentError)) throw error;
          },
        },
      );
    }
  }

  /** @returns whether the connection is still there */
  send(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; ) {
      const size = this.#next(4) === 0 ? 1 + this.#next(20) : bytes.length;
      this.#connection.output(bytes.subarray(at, at + size));
      at += size;
    }
    if (this.#seen > STREAMS * WINDOW)
      throw new Error(`${this.#seen} bytes came through windows of ${WINDOW}`);
    try {
      this.#connection.open(
        { type: FRAME.STAT, payload: new Uint8Array() },
        { done: () => undefined, failed: () => undefined },
      );
      return true;
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      this.refusals++;
      return false;
    }
  }
}

const { values } = parseArgs({ options: { frames: { type: 'string' }, seed: { type: 'string' } } });
const frames = Number(values.frames ?? 1_000_000);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const next = numbers(seed);
const opponent = new Opponent(next);
opponent.begin();
const before = process.memoryUsage().rss;
for (let sent = 0; sent < frames; sent++) {
  if (!opponent.send(hostileFrame(next)) || next(200) === 0) opponent.begin();
  // Calls that waited fail now.
  if (sent % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
}
const grown = (process.memoryUsage().rss - before) / 2 ** 20;
console.log(
  `agent-fuzz: ${frames} frames, ${opponent.refusals} connections refused, ${grown.toFixed(0)} MiB more (seed ${seed})`,
);
