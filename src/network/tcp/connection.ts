import { Deadline } from '../deadline.ts';
import type { Clock, Failure, HostStream, StreamListener } from '../host.ts';
import { Allowance, type Budget } from './budget.ts';
import { plus } from './numbers.ts';
import { Receiver } from './receiver.ts';
import { FLAG, type OutSegment, type Segment, type SynOptions } from './segment.ts';
import { Sender } from './sender.ts';

/** By how many bits our windows are shifted, if the guest's are, too. */
const SCALE = 7;
/** A segment is sent so often without any answer. */
const MOST_TRIES = 8;
const FIRST_WAIT_MS = 1000;
/** An acknowledgment of the guest's end may be lost, and is asked for again within this time. */
const LINGER_MS = 1000;
/** How long the host may take to send on the last bytes of a guest that has gone. */
const ORPHAN_MS = 60_000;

/** The surroundings of a connection. */
export interface TcpSurroundings {
  readonly clock: Clock;
  readonly budget: Budget;
  /** Bytes of the largest segment that the guest may send to us. */
  readonly segmentBytes: number;
  /** There may be a segment to be sent: {@link TcpConnection.take}. */
  ready(connection: TcpConnection): void;
  /** The host has no way to the other side; the guest has not been told. */
  unreachable(connection: TcpConnection, failure: Failure): void;
  /** The connection is no more. */
  ended(connection: TcpConnection): void;
}

/**
 * - `connecting`: the guest's SYN waits until the host is connected.
 * - `asked`: our SYN is under way to the guest.
 * - `answered`: our SYN is the answer to the guest's.
 * - `open`: bytes go both ways, until both have ended.
 * - `gone`: a reset may still have to be sent, and then nothing more.
 */
type State = 'connecting' | 'asked' | 'answered' | 'open' | 'gone';

/**
 * One connection of TCP, whose one side is the guest's, and whose other side is one of the host. We answer the guest in
 * the name of its peer: segments end here (RFC 9293).
 */
export class TcpConnection implements StreamListener {
  /** Given before anything else happens. */
  stream: HostStream | undefined;
  readonly #around: TcpSurroundings;
  readonly #deadline: Deadline;
  readonly #inbound: Allowance;
  readonly #outbound: Allowance;
  readonly #initial: number;
  #state: State;
  #sender: Sender | undefined;
  #receiver: Receiver | undefined;
  /** Those of the guest's SYN. */
  #options: SynOptions | undefined;
  #early: Uint8Array[] = [];
  #hostEnded = false;
  #streamClosed = false;
  #paused = false;
  #tries = 0;
  #synDue = false;
  #answerDue = false;
  #resetDue = false;
  /** When both sides had ended. */
  #settledAt: number | undefined;
  #endedFirst: 'host' | 'guest' | undefined;

  /**
   * @param initial the number of our SYN
   * @param syn that of the guest, if it has asked for the connection
   */
  constructor(around: TcpSurroundings, initial: number, syn?: Segment) {
    this.#around = around;
    this.#initial = initial;
    this.#deadline = new Deadline(around.clock, () => this.#due());
    this.#inbound = new Allowance(around.budget);
    this.#outbound = new Allowance(around.budget);
    this.#state = syn === undefined ? 'asked' : 'connecting';
    this.#synDue = syn === undefined;
    if (syn !== undefined) this.#takeSyn(syn);
  }

  /** Whether all is done, and the connection is there for late segments alone. */
  get isSettled(): boolean {
    return this.#settledAt !== undefined;
  }

  /** Where both sides are, if the guest takes it for a connection: our next number, and that of the guest. */
  get place(): { readonly sequence: number; readonly acknowledged: number } | undefined {
    if (this.#state !== 'open' || this.#sender === undefined || this.#receiver === undefined)
      return undefined;
    return { sequence: this.#sender.next, acknowledged: this.#receiver.next };
  }

  /** Takes a segment of the guest. */
  receive(segment: Segment): void {
    const { flags } = segment;
    switch (this.#state) {
      case 'gone':
        return;
      case 'connecting':
        if ((flags & FLAG.RST) !== 0) this.discard();
        return;
      case 'asked':
        this.#receiveAnswer(segment);
        return;
      default:
        this.#receiveInOrder(segment);
    }
  }

  /**
   * The next segment for the guest; undefined if there is none.
   *
   * @param longest bytes of data that it may have, if it stands for many
   */
  take(longest: number): OutSegment | undefined {
    if (this.#resetDue) {
      this.#resetDue = false;
      const sequence = this.#sender?.next ?? plus(this.#initial, this.#state === 'connecting' ? 0 : 1);
      const segment = this.#segment(sequence, FLAG.RST | FLAG.ACK);
      this.#end();
      return segment;
    }
    if (this.#state === 'asked' || this.#state === 'answered') return this.#takeOurSyn();
    if (this.#state !== 'open' || this.#sender === undefined) return undefined;
    const sender = this.#sender;
    const piece = sender.take(longest);
    if (piece !== undefined) {
      this.#answerDue = false;
      if (!this.#deadline.isSet) this.#watch();
      const flags = FLAG.ACK | (piece.last ? FLAG.PSH : 0) | (piece.fin ? FLAG.FIN : 0);
      const segment = this.#segment(piece.sequence, flags);
      const many = piece.length > sender.segmentBytes ? { segmentBytes: sender.segmentBytes } : {};
      return { ...segment, parts: piece.parts, length: piece.length, ...many };
    }
    if (!this.#answerDue) return undefined;
    this.#answerDue = false;
    return this.#segment(sender.next, FLAG.ACK);
  }

  /** Ends the connection on both sides. */
  abort(): void {
    this.stream?.reset();
    this.#reset();
  }

  /** Ends the connection; the guest, which wants no more of it or has forgotten it, is told nothing. */
  discard(): void {
    if (!this.#streamClosed) this.stream?.reset();
    this.#end();
  }

  connected(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'answered';
    this.#synDue = true;
    this.#around.ready(this);
  }

  data(bytes: Uint8Array): void {
    if (this.#state === 'gone') return;
    if (this.#sender === undefined) this.#early.push(bytes);
    else this.#sender.queue.push(bytes);
    this.#holdBack();
    this.#around.ready(this);
  }

  drained(): void {
    const { stream } = this;
    if (stream === undefined || this.#receiver?.isWorthTelling(stream.pending) !== true) return;
    this.#answerDue = true;
    this.#around.ready(this);
  }

  ended(): void {
    if (this.#state === 'gone') return;
    this.#hostEnded = true;
    this.#endedFirst ??= 'host';
    this.#sender?.close();
    this.#around.ready(this);
  }

  failed(failure: Failure): void {
    this.#streamClosed = true;
    if (this.#state === 'gone') return;
    if (this.isSettled) {
      this.#end();
    } else if (this.#state === 'connecting' && failure !== 'refused' && failure !== 'reset') {
      this.#around.unreachable(this, failure);
      this.#end();
    } else {
      this.#reset();
    }
  }

  closed(): void {
    this.#streamClosed = true;
    if (this.#state === 'gone') return;
    if (this.isSettled) this.#settle();
    else if (!this.#hostEnded) this.#reset();
  }

  #receiveAnswer(segment: Segment): void {
    const { flags, acknowledged } = segment;
    const isOurs = (flags & FLAG.ACK) !== 0 && acknowledged === plus(this.#initial, 1);
    if ((flags & FLAG.RST) !== 0) {
      if (isOurs) this.discard();
      return;
    }
    if (!isOurs || (flags & FLAG.SYN) === 0) return;
    this.#takeSyn(segment);
    this.#open(segment, segment.window);
    this.#answerDue = true;
    this.#around.ready(this);
  }

  #receiveInOrder(segment: Segment): void {
    const receiver = this.#receiver;
    const { flags } = segment;
    if (receiver === undefined) return;
    if (!receiver.isNear(segment)) {
      if ((flags & FLAG.RST) === 0) this.#answer();
      return;
    }
    if ((flags & FLAG.RST) !== 0) {
      this.discard();
      return;
    }
    if ((flags & FLAG.SYN) !== 0) {
      if (this.#state === 'answered') this.#synDue = true;
      this.#answer();
      return;
    }
    if ((flags & FLAG.ACK) === 0) return;
    if (this.#state === 'answered') {
      if (segment.acknowledged !== plus(this.#initial, 1)) return;
      this.#open(segment, segment.window * 2 ** (this.#options?.scale ?? 0));
    }
    this.#tries = 0;
    if (!this.#takeAcknowledgment(segment)) {
      this.#answer();
      return;
    }
    this.#takeData(receiver, segment);
    this.#settleIfDone();
    // A window may have opened.
    this.#around.ready(this);
  }

  /** @returns false if it acknowledges bytes that were never sent */
  #takeAcknowledgment(segment: Segment): boolean {
    const sender = this.#sender;
    if (sender === undefined) return false;
    const { first } = sender;
    const freed = sender.acknowledge(segment);
    if (freed === undefined) return false;
    if (freed > 0) this.#outbound.carried(freed);
    if (first !== sender.first || !this.#deadline.isSet) this.#watch();
    if (this.#paused && sender.queue.length <= this.#outbound.bytes / 2) {
      this.#paused = false;
      this.stream?.resume();
    }
    return true;
  }

  #takeData(receiver: Receiver, segment: Segment): void {
    const { data, end, answer } = receiver.take(segment);
    const { stream } = this;
    if (answer) this.#answerDue = true;
    if (data.length > 0 && stream !== undefined && !this.#streamClosed) {
      stream.write(data);
      if (stream.pending <= this.#inbound.bytes / 4) this.#inbound.carried(data.length);
    }
    if (!end) return;
    this.#endedFirst ??= 'guest';
    stream?.end();
  }

  #takeSyn(syn: Segment): void {
    this.#options = syn.options;
    const scale = syn.options.scale === undefined ? 0 : SCALE;
    this.#receiver = new Receiver(plus(syn.sequence, 1), scale, this.#inbound);
  }

  /** Both sides know each other's first numbers. */
  #open(segment: Segment, window: number): void {
    const { segmentBytes = 536, scale = 0 } = this.#options ?? {};
    this.#sender = new Sender({
      first: segment.acknowledged,
      segmentBytes: Math.max(64, Math.min(segmentBytes, this.#around.segmentBytes)),
      scale,
      window,
      clock: this.#around.clock,
    });
    this.#state = 'open';
    this.#tries = 0;
    this.#deadline.clear();
    for (const bytes of this.#early.splice(0)) this.#sender.queue.push(bytes);
    if (this.#hostEnded) this.#sender.close();
  }

  #takeOurSyn(): OutSegment | undefined {
    if (!this.#synDue) return undefined;
    this.#synDue = false;
    this.#deadline.in(FIRST_WAIT_MS * 2 ** this.#tries);
    const isAnswer = this.#state === 'answered';
    const scales = !isAnswer || this.#options?.scale !== undefined;
    const options = { segmentBytes: this.#around.segmentBytes, scale: scales ? SCALE : undefined };
    const window = this.#receiver?.firstWindow() ?? 0xffff;
    const segment = this.#segment(this.#initial, FLAG.SYN | (isAnswer ? FLAG.ACK : 0));
    return { ...segment, window, options };
  }

  #segment(sequence: number, flags: number): OutSegment {
    const receiver = this.#receiver;
    return {
      sequence,
      acknowledged: receiver?.next ?? 0,
      flags,
      window: receiver?.window(this.stream?.pending ?? 0) ?? 0,
      parts: [],
      length: 0,
    };
  }

  #answer(): void {
    this.#answerDue = true;
    this.#around.ready(this);
  }

  /** Has the host wait while the guest does not take its data. */
  #holdBack(): void {
    const waiting = this.#sender?.queue.length ?? this.#early.reduce((sum, { length }) => sum + length, 0);
    if (this.#paused || waiting < this.#outbound.bytes) return;
    this.#paused = true;
    this.stream?.pause();
  }

  /** Waits for an acknowledgment, if one is to be expected. */
  #watch(): void {
    const patience = this.#sender?.patience;
    if (patience !== undefined) this.#deadline.in(patience);
    else if (!this.isSettled) this.#deadline.clear();
  }

  #settleIfDone(): void {
    if (this.isSettled || this.#receiver?.ended !== true || this.#sender?.finished !== true) return;
    this.#settledAt = this.#around.clock.now();
    this.#settle();
  }

  /**
   * Both sides have ended. Bytes for the host are left, and the guest's doubts whether we have heard its end.
   */
  #settle(): void {
    const waited = this.#around.clock.now() - (this.#settledAt ?? 0);
    if (this.#streamClosed && (this.#endedFirst === 'guest' || waited >= LINGER_MS)) {
      this.#end();
    } else if (waited >= ORPHAN_MS) {
      this.stream?.reset();
      this.#end();
    } else {
      this.#deadline.in(LINGER_MS);
    }
  }

  #due(): void {
    if (this.isSettled) {
      this.#settle();
      return;
    }
    if (++this.#tries > MOST_TRIES) {
      this.abort();
      return;
    }
    if (this.#state === 'open') this.#sender?.timeout();
    else this.#synDue = true;
    this.#around.ready(this);
  }

  /** The guest is told that there is no connection any more. */
  #reset(): void {
    if (this.#state === 'gone') return;
    this.#resetDue = true;
    this.#deadline.end();
    this.#around.ready(this);
  }

  #end(): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#deadline.end();
    this.#sender?.queue.clear();
    this.#early = [];
    this.#inbound.end();
    this.#outbound.end();
    this.#around.ended(this);
  }
}
