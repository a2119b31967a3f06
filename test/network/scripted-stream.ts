import type { HostStream, StreamListener } from '../../src/network/host.ts';

/** A stream of a host that does what a test says. */
export class ScriptedStream implements HostStream {
  listener: StreamListener | undefined;
  /** All that was written, and how much of it the system has taken. */
  readonly written: number[] = [];
  pending = 0;
  ends = 0;
  resets = 0;
  paused = false;
  /** Bytes of what is written that wait until {@link drain}. */
  slow = false;

  write(bytes: Uint8Array): void {
    for (const byte of bytes) this.written.push(byte);
    if (this.slow) this.pending += bytes.length;
  }

  beSlow(): void {
    this.slow = true;
  }

  drain(bytes = this.pending): void {
    this.pending -= Math.min(bytes, this.pending);
    this.listener?.drained();
  }

  end(): void {
    this.ends++;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  reset(): void {
    this.resets++;
  }
}
