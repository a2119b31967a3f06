/** Real threads: senders on workers, the vCPU on a worker of its own, the shipped source on all of them. */
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createVcpuWords } from './words.ts';

const MESSAGES = 20_000;
const SENDERS = 2;
/** Nobody waits that long: it turns a lost interrupt into a failure instead of a hang. */
const LIMIT_MS = 240_000;

/** Words of the mail: the last message of each sender, then the last one answered to each. */
const ANSWERED = SENDERS;
const MAIL_WORDS = 2 * SENDERS;

const moduleUrl = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);

/** Sends one message after the other: writes it, sends the software interrupt, waits for the answer. */
const SENDER = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { VcpuInterrupts } = await import(${moduleUrl('./vcpu-interrupts.ts')});
  const { words, mail, index } = workerData;
  const vcpu = new VcpuInterrupts({ words });
  let sent = 0;
  while (sent < ${MESSAGES}) {
    sent++;
    Atomics.store(mail, index, sent);
    vcpu.setInterrupt(2);
    let answered = Atomics.load(mail, ${ANSWERED} + index);
    while (answered !== sent) {
      if (Atomics.wait(mail, ${ANSWERED} + index, answered, ${LIMIT_MS}) === 'timed-out') {
        parentPort.postMessage({ lost: sent });
        process.exit(0);
      }
      answered = Atomics.load(mail, ${ANSWERED} + index);
    }
  }
  parentPort.postMessage({ sent });
`;

/**
 * The vCPU: its guest answers a software interrupt by clearing it and reading all mail, and sleeps in WFI otherwise.
 */
const VCPU = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { VcpuInterrupts } = await import(${moduleUrl('./vcpu-interrupts.ts')});
  const { cancelBlock, dispatchVcpu, startVcpu, wakeSequence, waitForWake } = await import(${moduleUrl('./run-state.ts')});
  const { words, mail } = workerData;
  const vcpu = new VcpuInterrupts({ words, debug: true });
  startVcpu(words);
  dispatchVcpu(words);
  vcpu.load(0);
  let delivered = 0;
  const answered = Array(${SENDERS}).fill(0);
  while (answered.some((count) => count < ${MESSAGES})) {
    vcpu.enterGuest();
    vcpu.flushInterrupts();
    let hvip = vcpu.hvipLo;
    if ((hvip & 4) !== 0) {
      delivered++;
      hvip &= ~4;
      for (let sender = 0; sender < ${SENDERS}; sender++) {
        const sent = Atomics.load(mail, sender);
        if (sent !== answered[sender]) {
          answered[sender] = sent;
          Atomics.store(mail, ${ANSWERED} + sender, sent);
          Atomics.notify(mail, ${ANSWERED} + sender);
        }
      }
    }
    vcpu.exitGuest();
    vcpu.syncInterrupts(hvip, 0);
    const sequence = wakeSequence(words);
    if (vcpu.block(4, 0) !== 'pending') {
      if (answered.every((count) => count >= ${MESSAGES})) {
        break;
      }
      const asleep = performance.now();
      if (waitForWake(words, sequence, ${LIMIT_MS}) || !cancelBlock(words)) {
        dispatchVcpu(words);
      } else if (performance.now() - asleep > ${LIMIT_MS} / 2) {
        break;
      }
      vcpu.load(0);
    }
  }
  parentPort.postMessage({ answered, delivered });
`;

function run(source: string, workerData: object): Promise<unknown> {
  const worker = new Worker(source, { eval: true, workerData, execArgv: ['--input-type=module'] });
  return new Promise((resolve, reject) => {
    worker.once('message', (message) => worker.terminate().then(() => resolve(message)));
    worker.once('error', reject);
  });
}

test(`take-mirror loses none of ${SENDERS} x ${MESSAGES} interrupts between threads`, async () => {
  const words = createVcpuWords();
  const mail = new Int32Array(new SharedArrayBuffer(4 * MAIL_WORDS));
  const senders = Array.from({ length: SENDERS }, (_, index) => run(SENDER, { words, mail, index }));
  const vcpu = run(VCPU, { words, mail });
  expect(await Promise.all(senders)).toEqual(senders.map(() => ({ sent: MESSAGES })));
  const { answered, delivered } = (await vcpu) as {
    answered: number[];
    delivered: number;
  };
  expect(answered).toEqual(senders.map(() => MESSAGES));
  // A delivery takes at least one of the interrupts that were sent: none is delivered twice.
  expect(delivered).toBeLessThanOrEqual(SENDERS * MESSAGES);
});
