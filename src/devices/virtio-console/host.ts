import type { GuestMemory } from '../../memory/guest-memory.ts';
import type { GuestPort, PortBackend } from '../backends.ts';
import type { ByteRing } from '../byte-ring.ts';
import type { HostSide, PortFacts } from '../descriptor.ts';
import { bytesIn, type Chain, gather, type Segment, scatter } from '../virtio/chain.ts';
import type { QueueAccess } from '../virtio/function.ts';
import { RingError } from '../virtio/ring-error.ts';
import { readControl, resizeMessage, writeControl } from './control.ts';
import {
  CONSOLE_FEATURE,
  CONTROL,
  CONTROL_BYTES,
  CONTROL_IN,
  CONTROL_OUT,
  inputQueue,
  outputQueue,
} from './facts.ts';
import type { TerminalOutput } from './output.ts';
import { isTerminal, outputRings, PORT, WORD } from './words.ts';

/** Bytes of one buffer of output at most: Linux makes none that are larger than a pipe. */
const LARGEST_OUTPUT = 1 << 20;
/** Bytes of a channel's output after which no more buffers are taken together. */
const BATCH = 1 << 20;
/** Bytes of output that are taken before others have a turn on the thread. */
const TURN = 1 << 20;
/** Bytes of a port's output that are taken when the machine has ended, also by a reader that is busy. */
const REST = 4 << 20;
/** Milliseconds within which a guest notices that the one at the outer end of a channel is gone. */
const NOTICE_MS = 200;
/** The messages that a driver is to get of a port, in their order. */
const MESSAGES = [PORT.ADD, PORT.CONSOLE, PORT.NAME, PORT.CLOSED, PORT.OPENED, PORT.RESIZE] as const;

/** A console, and the backends that its ports are connected to. */
export interface ConsoleWiring {
  readonly memory: GuestMemory;
  readonly ports: readonly PortFacts[];
  readonly queues: QueueAccess;
  /** The output of terminals, by the number of their queue. */
  readonly outputs: ReadonlyMap<number, TerminalOutput>;
  /** One for each port; a port without takes output and loses it. */
  readonly backends: readonly PortBackend[];
}

/** Works at the queues of a console, on the thread that owns the machine. */
export class VirtioConsoleHost implements HostSide {
  readonly ports: readonly GuestPort[];
  readonly #words: Int32Array;
  readonly #wiring: ConsoleWiring;
  readonly #rings: readonly (ByteRing | undefined)[];
  /** Ports whose reader is busy. */
  readonly #busy = new Set<number>();
  /** The most buffers that waited in a port's input queue at once. */
  readonly #buffers: number[];
  #paused = false;
  #turn: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(words: Int32Array, wiring: ConsoleWiring) {
    this.#words = words;
    this.#wiring = wiring;
    this.#rings = outputRings(words, wiring.ports);
    this.#buffers = wiring.ports.map(() => 0);
    this.ports = wiring.ports.map((facts, port) => ({
      name: facts.name,
      input: (bytes) => (this.#paused ? 0 : this.#input(port, bytes)),
      resize: (columns, rows) => this.#resize(port, columns, rows),
    }));
  }

  hear(): void {
    if (this.#paused) return;
    this.#reopenLater();
    this.#work();
  }

  #work(): void {
    this.#control();
    for (const port of this.#wiring.ports.keys()) {
      this.#drain(port);
      this.#wiring.backends[port]?.inputSpace?.();
    }
  }

  pause(): void {
    this.#paused = true;
    clearTimeout(this.#turn);
    clearTimeout(this.#patience);
  }

  /**
   * The programs at the outer ends are gone, and others are there now: the guest hears of that for channels, of which
   * both ends have to begin anew. A terminal goes on, and so does a channel whose outer end begins anew by itself.
   * Another one is open again when the guest has noticed: Linux keeps no more of it than the state that it is in. Bytes
   * sent before would be lost, so its outer end hears of it only then.
   */
  restored(): void {
    const { ports, backends } = this.#wiring;
    for (const [port, facts] of ports.entries()) {
      const word = WORD.PORTS + port;
      const goesOn = isTerminal(facts) || (backends[port]?.beginsAnew === true && !this.#reopens(port));
      if (goesOn && (this.#words[word] & PORT.OPEN) !== 0) backends[port]?.opened?.(true);
      if (!goesOn && (this.#words[word] & PORT.READY) !== 0) this.#words[word] |= PORT.CLOSED | PORT.REOPENS;
    }
  }

  resume(): void {
    this.#paused = false;
    // The guest has not gone on yet.
    this.#work();
  }

  /** Writes the rest, before anybody is told of the machine's end. */
  finish(): void {
    clearTimeout(this.#turn);
    clearTimeout(this.#patience);
    for (const [port, backend] of this.#wiring.backends.entries()) {
      for (let left = REST; left > 0; ) {
        const bytes = this.#takeOutput(port);
        if (bytes === undefined) break;
        left -= bytes.length;
        void backend.output(bytes);
      }
    }
  }

  /** Takes the driver's messages, then sends it those that it is to get. */
  #control(): void {
    const { queues, memory, backends } = this.#wiring;
    const openings: { readonly port: number; readonly open: boolean }[] = [];
    queues.use(CONTROL_OUT, (queue) => {
      for (let left = queue.listen(); left > 0; left--) {
        const chain = queue.pop();
        if (chain === undefined) return;
        const head = gather(memory, chain.readable, 0, CONTROL_BYTES);
        if (head === undefined) throw new RingError('a control message of fewer than 8 bytes');
        const control = readControl(head);
        this.#hearControl(control);
        if (control.event === CONTROL.PORT_OPEN)
          openings.push({ port: control.port, open: control.value === 1 });
        queue.push(chain, 0);
      }
    });
    // Without the lock: its listener may send something at once.
    for (const { port, open } of openings) backends[port]?.opened?.(open);
    this.#sendControl();
  }

  #hearControl({ port, event, value }: ReturnType<typeof readControl>): void {
    const { ports } = this.#wiring;
    if (event === CONTROL.DEVICE_READY) {
      for (const each of ports.keys()) this.#words[WORD.PORTS + each] = value === 1 ? PORT.ADD : 0;
      this.#buffers.fill(0);
      return;
    }
    const facts = ports[port];
    if (facts === undefined) return;
    const word = WORD.PORTS + port;
    if (event === CONTROL.PORT_READY && value === 1) {
      const kind = isTerminal(facts) ? PORT.CONSOLE | PORT.RESIZE : PORT.NAME;
      this.#words[word] |= PORT.READY | PORT.OPENED | kind;
    } else if (event === CONTROL.PORT_OPEN) {
      if (value === 1) this.#words[word] |= PORT.OPEN;
      else this.#words[word] &= ~PORT.OPEN;
      this.#reopen(port);
    }
  }

  #reopens(port: number): boolean {
    return (this.#words[WORD.PORTS + port] & PORT.REOPENS) !== 0;
  }

  /** The guest is told that there is somebody at the outer end of a channel again. */
  #reopen(port: number): void {
    const word = WORD.PORTS + port;
    if (this.#reopens(port)) this.#words[word] = (this.#words[word] & ~PORT.REOPENS) | PORT.OPENED;
  }

  /** The driver has heard of it, or does something else; but nobody in the guest may look at the channel. */
  #reopenLater(): void {
    const { ports, queues, backends } = this.#wiring;
    if (!ports.some((_, port) => this.#reopens(port))) return;
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      const again: number[] = [];
      queues.use(CONTROL_IN, () => {
        for (const port of ports.keys()) {
          const isOpen = (this.#words[WORD.PORTS + port] & PORT.OPEN) !== 0;
          if (isOpen && this.#reopens(port)) again.push(port);
          this.#reopen(port);
        }
      });
      for (const port of again) backends[port]?.opened?.(true);
      this.#sendControl();
    }, NOTICE_MS);
  }

  /** One message after the other, as long as the driver has buffers for them. */
  #sendControl(): void {
    const { queues, memory, ports } = this.#wiring;
    queues.use(CONTROL_IN, (queue) => {
      queue.listen();
      for (const port of ports.keys()) {
        for (const bit of MESSAGES) {
          if ((this.#words[WORD.PORTS + port] & bit) === 0) continue;
          const message = this.#message(port, bit);
          const chain = message === undefined ? undefined : queue.pop();
          if (message !== undefined && chain === undefined) return;
          this.#words[WORD.PORTS + port] &= ~bit;
          if (message !== undefined && chain !== undefined)
            queue.push(chain, scatter(memory, chain.writable, message));
        }
      }
    });
  }

  #message(port: number, bit: (typeof MESSAGES)[number]): Uint8Array | undefined {
    switch (bit) {
      case PORT.ADD:
        return writeControl({ port, event: CONTROL.DEVICE_ADD, value: 1 });
      case PORT.CONSOLE:
        return writeControl({ port, event: CONTROL.CONSOLE_PORT, value: 1 });
      case PORT.CLOSED:
        return writeControl({ port, event: CONTROL.PORT_OPEN, value: 0 });
      case PORT.OPENED:
        return writeControl({ port, event: CONTROL.PORT_OPEN, value: 1 });
      case PORT.NAME: {
        const name = new TextEncoder().encode(this.#wiring.ports[port].name);
        return writeControl({ port, event: CONTROL.PORT_NAME, value: 1 }, name);
      }
      default: {
        const size = this.#words[WORD.SIZES + port];
        return size === 0 ? undefined : resizeMessage(port, size & 0xffff, size >>> 16);
      }
    }
  }

  /**
   * Whether bytes may go through a port: without many ports, the first one is always open. Called with the lock held.
   */
  #isOpen(port: number, features: number): boolean {
    if ((features & CONSOLE_FEATURE.MULTIPORT) === 0) return port === 0;
    return (this.#words[WORD.PORTS + port] & (PORT.OPEN | PORT.REOPENS)) === PORT.OPEN;
  }

  #input(port: number, bytes: Uint8Array): number {
    const { queues, memory } = this.#wiring;
    if (bytes.length === 0) return 0;
    let taken = 0;
    queues.use(inputQueue(port), (queue) => {
      if (!this.#isOpen(port, queue.features)) return;
      this.#buffers[port] = Math.max(this.#buffers[port], queue.waiting());
      // A driver that gives its buffers back one by one is not to notify of each. All that were there come again.
      for (
        let left = queue.listen(Math.max(this.#buffers[port] >> 1, 1));
        left > 0 && taken < bytes.length;
        left--
      ) {
        const chain = queue.pop();
        if (chain === undefined) return;
        const count = scatter(memory, chain.writable, bytes.subarray(taken));
        queue.push(chain, count);
        taken += count;
      }
    });
    return taken;
  }

  /** Takes a port's output, unless its reader is busy: then the driver's buffers stay where they are, and it waits. */
  #drain(port: number): void {
    const backend = this.#wiring.backends[port];
    for (let taken = 0; !this.#busy.has(port); ) {
      const bytes = this.#takeOutput(port);
      if (bytes === undefined) return;
      taken += bytes.length;
      const ready = bytes.length === 0 ? undefined : backend?.output(bytes);
      if (ready !== undefined) {
        this.#busy.add(port);
        void ready.finally(() => {
          this.#busy.delete(port);
          if (!this.#paused) this.#drain(port);
        });
      } else if (taken >= TURN) {
        this.#takeTurn();
        return;
      }
    }
  }

  /** The next bytes of output; undefined if there are none, and then the driver notifies of the next ones. */
  #takeOutput(port: number): Uint8Array | undefined {
    const ring = this.#rings[port];
    return ring === undefined ? this.#takeBuffers(port) : this.#takeRing(port, ring);
  }

  #takeRing(port: number, ring: ByteRing): Uint8Array | undefined {
    const { queues, outputs } = this.#wiring;
    const bytes = ring.takeAll();
    const number = outputQueue(port);
    // There is room now for bytes that did not fit.
    const more = queues.use(number, (queue) => outputs.get(number)?.move(queue));
    return bytes.length > 0 || more === true ? bytes : undefined;
  }

  /** Takes the contents of all buffers that there are, with one interrupt for all of them. */
  #takeBuffers(port: number): Uint8Array | undefined {
    const { queues, memory } = this.#wiring;
    return queues.use(outputQueue(port), (queue) => {
      if (queue.waiting() === 0 && queue.listen() === 0) return undefined;
      const chains: Chain[] = [];
      const segments: Segment[] = [];
      let bytes = 0;
      for (let left = queue.waiting(); left > 0 && bytes < BATCH; left--) {
        const chain = queue.pop();
        if (chain === undefined) break;
        const length = bytesIn(chain.readable);
        if (length > LARGEST_OUTPUT) throw new RingError(`a buffer of ${length} bytes for a port`);
        bytes += length;
        chains.push(chain);
        segments.push(...chain.readable);
      }
      const all = gather(memory, segments, 0, bytes);
      for (const chain of chains) queue.push(chain, 0);
      return all;
    });
  }

  /** Goes on after all other work on this thread. */
  #takeTurn(): void {
    clearTimeout(this.#turn);
    this.#turn = setTimeout(() => this.hear(), 0);
  }

  #resize(port: number, columns: number, rows: number): void {
    const size = (columns & 0xffff) | ((rows & 0xffff) << 16);
    // Meets the load of the configuration space, on threads of harts.
    if (Atomics.exchange(this.#words, WORD.SIZES + port, size) === size) return;
    if (port === 0) this.#wiring.queues.configurationChanged();
    // With the lock: a reset clears the port's bits on the thread of a hart. A port that is ready later is told then.
    this.#wiring.queues.use(CONTROL_IN, () => {
      if ((this.#words[WORD.PORTS + port] & PORT.READY) !== 0) this.#words[WORD.PORTS + port] |= PORT.RESIZE;
    });
    if (!this.#paused) this.#sendControl();
  }
}
