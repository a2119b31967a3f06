import { findCommand } from './commands.ts';
import { framePacket, PacketReader } from './packets.ts';
import { Points } from './points.ts';
import { REGISTER } from './registers.ts';
import { type DebugState, ERROR, type StepRange, threadId } from './state.ts';
import type { Action, DebugListener, DebugTarget, Ending, Stop } from './target.ts';

/** Signals that tell gdb why a machine stands still. */
const SIGNAL = { interrupt: '02', trap: '05', kill: '09' } as const;

/** The line to a debugger. */
export interface DebugLine {
  /** Sends bytes as they are, behind those that were sent before. */
  send(bytes: Uint8Array): void;
  /** Nothing more is said. */
  close(): void;
}

/**
 * A debugger's visit to a machine, by gdb's remote protocol: all-stop, that is, the machine stands still as a whole
 * while the debugger looks around, and guest time with it.
 */
export class DebugSession implements DebugListener {
  readonly #target: DebugTarget;
  readonly #line: DebugLine;
  readonly #reader = new PacketReader();
  readonly #state: DebugState;
  #mode: 'opening' | 'stopped' | 'running' | 'stopping' | 'gone' = 'opening';
  /** Packets that wait until the machine stands still. */
  readonly #early: string[] = [];
  #acks = true;
  /** The last packet sent, for a debugger that has not got it. */
  #last: Uint8Array | undefined;
  #stopReply = `T${SIGNAL.trap}thread:01;`;
  #actions: readonly Action[] = [];
  #range: StepRange | undefined;
  #ending: Ending | undefined;

  /** Stops the machine for a debugger that has just come, which may speak at once. */
  constructor(target: DebugTarget, line: DebugLine) {
    this.#target = target;
    this.#line = line;
    this.#state = this.#createState();
    target.listen(this);
    void target.pause().then(() => this.#opened());
  }

  #opened(): void {
    if (this.#mode !== 'opening') return;
    this.#mode = 'stopped';
    const early = this.#early.splice(0);
    for (const packet of early) this.#handle(packet);
  }

  /** Takes bytes of the debugger. */
  receive(bytes: Uint8Array): void {
    for (const incoming of this.#reader.read(bytes)) {
      if (this.#mode === 'gone') return;
      switch (incoming.kind) {
        case 'interrupt':
          this.#interrupt();
          break;
        case 'again':
          if (this.#acks && this.#last !== undefined) this.#line.send(this.#last);
          break;
        case 'broken':
          if (this.#acks) this.#line.send(NAK);
          break;
        case 'packet':
          if (this.#acks) this.#line.send(ACK);
          this.#handle(incoming.data);
          break;
      }
    }
  }

  /** The line is gone: as if the debugger had detached. Resolves when nothing of it is left in the machine. */
  async lost(): Promise<void> {
    this.#detach();
    this.#mode = 'gone';
    await this.#detached;
  }

  stopped(stop: Stop): void {
    if (this.#mode !== 'running' && this.#mode !== 'stopping') return;
    if (this.#goesOnInRange(stop)) {
      this.#target.resume(this.#actions);
      return;
    }
    this.#state.generalThread = stop.thread;
    this.#tellStop(this.#describe(stop));
  }

  /** Tells the debugger how the machine has ended, as its answer or when it next asks. */
  ended(ending: Ending): void {
    if (this.#mode === 'gone') return;
    this.#ending = ending;
    const waits = this.#mode === 'running' || this.#mode === 'stopping';
    this.#stopReply = describeEnding(ending);
    if (!waits) {
      this.#opened();
      return;
    }
    this.#reply(this.#stopReply);
    this.#leave();
  }

  #handle(packet: string): void {
    const found = findCommand(packet);
    if (found === undefined) {
      this.#reply('');
      return;
    }
    if (this.#mode === 'opening' && !found.anyTime) {
      if (this.#early.length < MOST_EARLY) this.#early.push(packet);
      return;
    }
    if ((this.#mode !== 'stopped' || this.#ending !== undefined) && !found.anyTime && packet !== '?') {
      this.#reply(ERROR.badValue);
      return;
    }
    const reply = found.command(this.#state, found.words);
    if (reply !== undefined) this.#reply(reply);
    if (this.#isLeaving) this.#leave();
  }

  #interrupt(): void {
    if (this.#mode !== 'running') return;
    this.#mode = 'stopping';
    void this.#target.pause().then(() => {
      // It may have stopped by itself, or ended, meanwhile.
      if (this.#mode === 'stopping')
        this.#tellStop(`T${SIGNAL.interrupt}thread:${threadId(this.#state.generalThread)};`);
    });
  }

  #tellStop(reply: string): void {
    this.#mode = 'stopped';
    this.#stopReply = reply;
    this.#reply(reply);
  }

  #goesOnInRange(stop: Stop): boolean {
    const range = this.#range;
    if (
      range === undefined ||
      stop.kind !== 'step' ||
      stop.thread !== range.thread ||
      this.#mode !== 'running'
    )
      return false;
    const pc = this.#target.readRegister(stop.thread, REGISTER.pc) ?? 0n;
    return pc >= range.start && pc < range.end;
  }

  #describe(stop: Stop): string {
    const begin = `T${SIGNAL.trap}thread:${threadId(stop.thread)};`;
    if (stop.kind === 'data') {
      const word = { write: 'watch', read: 'rwatch', access: 'awatch', code: 'watch' }[stop.access];
      return `${begin}${word}:${stop.address.toString(16)};`;
    }
    if (stop.kind === 'step') return begin;
    const pc = this.#target.readRegister(stop.thread, REGISTER.pc) ?? 0n;
    const { points, wantsHardware, wantsSoftware } = this.#state;
    if (wantsHardware && points.has('hardware', pc)) return `${begin}hwbreak:;`;
    return wantsSoftware ? `${begin}swbreak:;` : begin;
  }

  #reply(data: string): void {
    this.#last = framePacket(data);
    this.#line.send(this.#last);
  }

  #isLeaving = false;
  #detached: Promise<void> | undefined;

  #leave(): void {
    this.#mode = 'gone';
    this.#target.listen(undefined);
    this.#line.close();
  }

  /** The machine goes on as if no debugger had been there. */
  #detach(): void {
    if (this.#mode === 'gone') return;
    this.#isLeaving = true;
    this.#target.listen(undefined);
    if (this.#ending !== undefined) return;
    // Points are touched while the machine stands still.
    this.#detached = this.#target.pause().then(() => {
      this.#state.points.clear();
      this.#target.resume(Array.from({ length: this.#target.threads }, () => 'run'));
    });
  }

  #createState(): DebugState {
    const session = this;
    return {
      target: this.#target,
      points: new Points(this.#target),
      generalThread: 0,
      resumeThread: -1,
      physical: false,
      wantsSoftware: false,
      wantsHardware: false,
      get stopReply() {
        return session.#stopReply;
      },
      resume: (actions, range) => {
        this.#mode = 'running';
        this.#actions = actions;
        this.#range = range;
        this.#target.resume(actions);
        return undefined;
      },
      leaveOutAcks: () => {
        this.#acks = false;
      },
      detach: () => this.#detach(),
      kill: () => {
        this.#isLeaving = true;
        this.#target.kill();
      },
    };
  }
}

/** A debugger waits for the reply to each packet, and sends it anew a few times. */
const MOST_EARLY = 16;
const ACK = Uint8Array.of(0x2b);
const NAK = Uint8Array.of(0x2d);

function describeEnding(ending: Ending): string {
  if (ending.kind === 'killed') return `X${SIGNAL.kill}`;
  return `W${(ending.status & 0xff).toString(16).padStart(2, '0')}`;
}
