import { LiveSender } from '../../trace/live.ts';
import { Merger } from '../../trace/merger.ts';
import { MomentSender } from '../../trace/moments.ts';
import { PerfettoWriter } from '../../trace/perfetto.ts';
import { bellOf, isStopped, traceWords, waitForBell } from '../../trace/ring.ts';
import { SystemMap } from '../../trace/system-map.ts';
import { Timeline } from '../../trace/timeline.ts';
import type { TraceSink, TraceStart, WorkerHost } from '../thread.ts';

/** Milliseconds between two looks at rings of which none is half full. */
const TURN_MS = 50;
/** Bytes that are written at once. */
const CHUNK = 1 << 18;

/**
 * The life of the thread that takes the records of all others, and writes it. It is the only one that waits for the
 * file: where it is too slow the others lose records, and count them.
 */
export function runTrace(start: TraceStart, host: WorkerHost): void {
  const { place, subject, startedAt } = start;
  const words = traceWords(place);
  const merger = new Merger(place);
  const out = new PerfettoWriter();
  const sink = host.openTrace?.();
  const live = new LiveSender(words, (batch) => host.notify({ kind: 'interrupts', batch }));
  const moments = new MomentSender(words, (batch) => host.notify({ kind: 'moments', batch }));
  const file = new TraceFile(sink, (text) => host.notify({ kind: 'notice', text }));
  const timeline = new Timeline(out, subject, startedAt, {
    watch: live.add,
    moments,
    symbols: sink?.systemMap === undefined ? undefined : SystemMap.parse(sink.systemMap),
  });
  const now = () => performance.now() + host.clockOffset;
  const drain = (until: number) => {
    merger.drain(until, (ring, record) => {
      timeline.take(ring, record);
      if (out.length >= CHUNK) file.write(out.take());
    });
    live.flush();
    moments.flush(() => timeline.cpus());
  };
  while (!isStopped(words)) {
    // Before the look: a bell that rings later ends the sleep.
    const bell = bellOf(words);
    const time = now();
    drain(time);
    timeline.look(time);
    waitForBell(words, bell, TURN_MS);
  }
  drain(Number.POSITIVE_INFINITY);
  timeline.finish(now());
  file.write(out.take());
  file.close();
  const { events } = out;
  const { bytes } = file;
  host.notify({ kind: 'traced', report: { ...timeline.summary(), lostRecords: merger.lost, events, bytes } });
}

/** Where a trace is written, until that goes wrong. */
class TraceFile {
  bytes = 0;
  #sink: TraceSink | undefined;
  readonly #notice: (text: string) => void;

  constructor(sink: TraceSink | undefined, notice: (text: string) => void) {
    this.#sink = sink;
    this.#notice = notice;
  }

  write(bytes: Uint8Array): void {
    this.#try((sink) => {
      sink.write(bytes);
      this.bytes += bytes.length;
    });
  }

  close(): void {
    this.#try((sink) => sink.close());
    this.#sink = undefined;
  }

  /** A full disk ends the trace, not the machine. */
  #try(work: (sink: TraceSink) => void): void {
    if (this.#sink === undefined) return;
    try {
      work(this.#sink);
    } catch (error) {
      this.#sink = undefined;
      const why = error instanceof Error ? error.message : String(error);
      this.#notice(`The trace cannot be written any further, and ends here: ${why}`);
    }
  }
}
