/**
 * Interrupt protocols under stress on real threads: adversarial senders against one vCPU, with the shipped source of
 * each protocol. The predictions of an exhaustive check are seen happening here, and how often.
 */
import { InputError } from '../errors/input-error.ts';
import { PROTOCOLS, protocolByName } from '../interrupts/protocols.ts';
import { createVcpuWords, type VcpuWords } from '../interrupts/words.ts';
import { runConsumer, type StressCounts } from './consumer.ts';
import { runSender, type SenderCounts } from './sender.ts';
import { createStressWords, SHOWN_LOST, SHOWN_RECEIVED, STOP } from './words.ts';

const MAXIMUM_SENDERS = 16;
const MAXIMUM_SECONDS = 3600;

/** The start of a thread of a run; it can be posted to a worker. */
export interface StressJob {
  readonly protocol: string;
  readonly vcpu: VcpuWords;
  readonly words: Int32Array;
  readonly senders: number;
  /** The number of a sender, or the thread of the vCPU. */
  readonly role: number | 'vcpu';
}

/** The end of a thread of a run: the interrupts that a sender sent, or the counts of the vCPU. */
export type StressResult = SenderCounts | { readonly counts: StressCounts };

/** Starts threads. */
export interface StressHost {
  /** Runs {@link runStressJob} on a thread of its own. */
  start(job: StressJob): { readonly result: Promise<StressResult>; terminate(): Promise<void> };
}

/** A run while it goes on. */
export interface StressProgress {
  readonly protocol: string;
  readonly elapsedSeconds: number;
  readonly received: number;
  readonly lost: number;
}

export interface StressOptions {
  /** One of the protocols; all of them, one after the other, when there is none. */
  readonly protocol?: string;
  /** Seconds for each protocol, more than 0 and at most 3600. Default 10. */
  readonly seconds?: number;
  /** Sending threads, 1 to 16. Default 1: with the vCPU's, two threads that fit on two processors. */
  readonly senders?: number;
  /** Called about four times a second. */
  readonly onProgress?: (progress: StressProgress) => void;
  /** Ends the run early; the counts until then are reported. */
  readonly signal?: AbortSignal;
}

/** The result of one protocol. */
export interface StressRow extends StressCounts, SenderCounts {
  readonly protocol: string;
  readonly seconds: number;
}

export interface StressReport {
  readonly senders: number;
  readonly rows: readonly StressRow[];
}

/** The body of a thread. */
export function runStressJob({ protocol, vcpu, words, senders, role }: StressJob): StressResult {
  const party = { protocol: protocolByName(protocol), vcpu, words };
  return role === 'vcpu' ? { counts: runConsumer(party, senders) } : runSender(party, role);
}

/**
 * Stresses one protocol or all.
 *
 * @throws InputError when an option is out of its range; Error when a thread fails or the counts do not add up.
 */
export async function stress(host: StressHost, options: StressOptions = {}): Promise<StressReport> {
  const { protocol, seconds = 10, senders = 1, signal } = options;
  if (!(seconds > 0 && seconds <= MAXIMUM_SECONDS)) {
    throw new InputError(
      `The seconds of a stress run are more than 0 and at most ${MAXIMUM_SECONDS}, not ${seconds}.`,
    );
  }
  if (!Number.isInteger(senders) || senders < 1 || senders > MAXIMUM_SENDERS) {
    throw new InputError(`A stress run has 1 to ${MAXIMUM_SENDERS} senders, not ${senders}.`);
  }
  const known = PROTOCOLS.map(({ name }) => name);
  if (protocol !== undefined && !known.includes(protocol)) {
    throw new InputError(
      `There is no interrupt protocol "${protocol}"; the protocols are ${known.join(', ')}.`,
    );
  }
  const rows: StressRow[] = [];
  for (const name of protocol === undefined ? known : [protocol]) {
    if (signal?.aborted !== true) {
      rows.push(await stressProtocol(host, name, { ...options, seconds, senders }));
    }
  }
  return { senders, rows };
}

async function stressProtocol(
  host: StressHost,
  protocol: string,
  options: StressOptions & { readonly seconds: number; readonly senders: number },
): Promise<StressRow> {
  const { seconds, senders } = options;
  const words = createStressWords(senders);
  const common = { protocol, vcpu: createVcpuWords(), words, senders };
  const roles = ['vcpu', ...Array.from({ length: senders }, (_, index) => index)] as const;
  const start = performance.now();
  const elapsedSeconds = () => (performance.now() - start) / 1000;
  const threads = roles.map((role) => host.start({ ...common, role }));
  const show = setInterval(() => {
    options.onProgress?.({
      protocol,
      elapsedSeconds: elapsedSeconds(),
      received: Atomics.load(words, SHOWN_RECEIVED) >>> 0,
      lost: Atomics.load(words, SHOWN_LOST) >>> 0,
    });
  }, 250);
  // Meets the load of each sender at a rest.
  const stop = () => Atomics.store(words, STOP, 1);
  const timer = setTimeout(stop, seconds * 1000);
  options.signal?.addEventListener('abort', stop);
  try {
    const results = await Promise.all(threads.map(({ result }) => result));
    return { protocol, seconds: elapsedSeconds(), ...merge(results) };
  } finally {
    clearTimeout(timer);
    clearInterval(show);
    options.signal?.removeEventListener('abort', stop);
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function merge(results: readonly StressResult[]): StressCounts & SenderCounts {
  let sent = 0;
  let bursts = 0;
  let counts: StressCounts | undefined;
  for (const result of results) {
    if ('sent' in result) {
      sent += result.sent;
      bursts += result.bursts;
    } else {
      counts = result.counts;
    }
  }
  if (counts === undefined || counts.received + counts.unread !== sent) {
    throw new Error(
      `The stress run counted wrongly: ${sent} sent, ${counts?.received} received, ${counts?.unread} unread`,
    );
  }
  return { ...counts, sent, bursts };
}
