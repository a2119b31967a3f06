/**
 * The mechanism by itself: two threads send a vCPU interrupts, a third one runs the vCPU. No hart and no machine take
 * part; the guest is a few lines of JavaScript that clear VSSIP and read the mail.
 *
 *     npm run example -- interrupts           in a checkout
 *     node interrupts.ts                      beside an installed hartvisor, Node 24
 *
 * Each sender writes a letter, sends the software interrupt and waits until the guest has read the letter. If an
 * interrupt were lost, the guest would sleep on with a letter unread, and the sender would say so.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import {
  cancelBlock,
  createVcpuWords,
  dispatchVcpu,
  IRQ_VS_SOFT,
  startVcpu,
  VcpuInterrupts,
  type VcpuWords,
  waitForWake,
  wakeSequence,
} from 'hartvisor/interrupts';

/** Words of the mailbox: the number of the last letter of each sender, behind them the last one that was read. */
type Mailbox = Int32Array<SharedArrayBuffer>;
type Task = { words: VcpuWords; mailbox: Mailbox; sender?: number };

const SENDERS = 2;
const LETTERS = 20_000;
const VSSIP = 1 << IRQ_VS_SOFT;
/** Milliseconds after which a sender takes its letter for lost. */
const PATIENCE = 5_000;

function send({ words, mailbox }: Task, sender: number): void {
  const vcpu = new VcpuInterrupts({ words });
  for (let letter = 1; letter <= LETTERS; letter++) {
    // Written first: who sees the interrupt finds the letter.
    Atomics.store(mailbox, sender, letter);
    vcpu.setInterrupt(IRQ_VS_SOFT);
    while (Atomics.load(mailbox, SENDERS + sender) !== letter) {
      if (Atomics.wait(mailbox, SENDERS + sender, letter - 1, PATIENCE) === 'timed-out') {
        throw new Error(`sender ${sender}: the interrupt for letter ${letter} was lost`);
      }
    }
  }
  console.log(`sender ${sender}: ${LETTERS} letters sent, all of them read`);
}

/** The loop of a thread that runs one vCPU: { enter · flush · guest · exit · sync }, and sleep with nothing to do. */
function runVcpu({ words, mailbox }: Task): void {
  const vcpu = new VcpuInterrupts({ words, debug: true });
  startVcpu(words);
  dispatchVcpu(words);
  vcpu.load(0);
  let delivered = 0;
  for (let read = 0; read < SENDERS * LETTERS; ) {
    vcpu.enterGuest();
    vcpu.flushInterrupts();
    let hvip = vcpu.hvipLo;
    if ((hvip & VSSIP) !== 0) {
      delivered++;
      // The guest clears its sip.SSIP first: a letter that comes later brings an interrupt of its own.
      hvip &= ~VSSIP;
      read += readMail(mailbox);
    }
    vcpu.exitGuest();
    vcpu.syncInterrupts(hvip, 0);
    if (read < SENDERS * LETTERS) sleep(vcpu, words);
  }
  console.log(
    `vCPU: ${SENDERS * LETTERS} letters read, ${delivered} interrupts delivered (one can announce two letters)`,
  );
}

function readMail(mailbox: Mailbox): number {
  let read = 0;
  for (let sender = 0; sender < SENDERS; sender++) {
    const letter = Atomics.load(mailbox, sender);
    if (Atomics.exchange(mailbox, SENDERS + sender, letter) === letter) continue;
    read++;
    Atomics.notify(mailbox, SENDERS + sender);
  }
  return read;
}

/** WFI: sleeps unless an interrupt is pending, and returns with the vCPU loaded. */
function sleep(vcpu: VcpuInterrupts, words: VcpuWords): void {
  // Read before the vCPU publishes that it sleeps, so that no wake-up is missed.
  const sequence = wakeSequence(words);
  if (vcpu.block(VSSIP, 0) === 'pending') return;
  while (!waitForWake(words, sequence, 100)) {
    if (cancelBlock(words)) {
      vcpu.load(0);
      return;
    }
  }
  dispatchVcpu(words);
  vcpu.load(0);
}

if (isMainThread) {
  const words = createVcpuWords();
  const mailbox: Mailbox = new Int32Array(new SharedArrayBuffer(4 * 2 * SENDERS));
  const tasks: Task[] = [{ words, mailbox }];
  for (let sender = 0; sender < SENDERS; sender++) tasks.push({ words, mailbox, sender });
  for (const task of tasks) {
    const worker = new Worker(new URL(import.meta.url), { workerData: task });
    worker.on('error', (error) => {
      console.error(error.message);
      process.exit(1);
    });
  }
} else {
  const task = workerData as Task;
  if (task.sender === undefined) runVcpu(task);
  else send(task, task.sender);
}
