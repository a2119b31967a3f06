import { IRQ_VS_SOFT, interruptNumbers } from '../../src/interrupts/numbers.ts';
import type { Protocol } from '../../src/interrupts/protocol.ts';
import { createOwnerState } from '../../src/interrupts/protocol.ts';
import type { VcpuWords } from '../../src/interrupts/words.ts';
import { createVcpuWords } from '../../src/interrupts/words.ts';
import type { Scenario } from './stepper.ts';

const SOFT = 1 << IRQ_VS_SOFT;

/**
 * A vCPU whose guest answers each software interrupt by clearing it and reading its mail, and senders that write mail
 * and then send the interrupt. It starts as after one normal round: an interrupt was delivered, cleared and answered.
 */
export function mailScenario(protocol: Protocol, senders: number, rounds: number): MailScenario {
  const words = createVcpuWords();
  const mail = new Int32Array(new SharedArrayBuffer(4 * senders));
  const start = createOwnerState(interruptNumbers());
  protocol.set(words, IRQ_VS_SOFT);
  protocol.flush(words, start);
  const state: MailState = { words, mail, local: start, hvip: 0 };

  const round = ({ local, hvip }: Pick<MailState, 'local' | 'hvip'>) => {
    protocol.sync(words, local, hvip, 0);
    protocol.flush(words, local);
    if ((local.hvipLo & SOFT) === 0) {
      return { local, hvip: local.hvipLo };
    }
    for (let sender = 0; sender < senders; sender++) {
      Atomics.store(mail, sender, 0);
    }
    return { local, hvip: local.hvipLo & ~SOFT };
  };
  const run = (from: Pick<MailState, 'local' | 'hvip'>, count: number) => {
    let at = { local: { ...from.local }, hvip: from.hvip };
    for (let left = count; left > 0; left--) {
      at = round(at);
    }
    return at;
  };
  const vcpu = () => {
    const end = run({ local: start, hvip: 0 }, rounds);
    state.local = end.local;
    state.hvip = end.hvip;
  };
  const kicks: boolean[] = [];
  const sender = (index: number) => () => {
    Atomics.store(mail, index, 1);
    const kick = protocol.set(words, IRQ_VS_SOFT);
    kicks.push(kick);
  };
  return {
    state,
    kicks,
    threads: [vcpu, ...Array.from({ length: senders }, (_, index) => sender(index))],
    check: () => {
      run(state, 3);
      return mail.some((unread) => unread !== 0) ? 'lost' : undefined;
    },
  };
}

export interface MailScenario extends Scenario {
  readonly state: MailState;
  /** The answers of finished sets: whether a kick is due. */
  readonly kicks: boolean[];
}

export interface MailState {
  readonly words: VcpuWords;
  readonly mail: Int32Array;
  local: ReturnType<typeof createOwnerState>;
  hvip: number;
}
