import { FILE_BLOCK } from '../../interrupts/interrupt-file.ts';
import {
  EXIT_COUNT,
  EXIT_REQUEST,
  EXIT_WAITERS,
  IRQS_PENDING,
  IRQS_PENDING_LOCK,
  IRQS_PENDING_MASK,
  OWNER,
  REQUESTS,
  RUN_STATE,
  SAVED_HVIP,
  VCPU_WORDS,
  WAKE_SEQUENCE,
} from '../../interrupts/words.ts';
import type { WordInfo } from '../shared-memory.ts';

/** Names of a vCPU's words, in the words of the field where it has one. */
export function vcpuWordInfos(): WordInfo[] {
  const infos: WordInfo[] = Array.from({ length: VCPU_WORDS }, (_, index) => ({ name: `word_${index}` }));
  infos[IRQS_PENDING] = { name: 'irqs_pending', shows: 'interrupts', firstIrq: 0 };
  infos[IRQS_PENDING + 1] = { name: 'irqs_pending[1]', shows: 'interrupts', firstIrq: 32 };
  infos[IRQS_PENDING_MASK] = { name: 'irqs_pending_mask', shows: 'interrupts', firstIrq: 0 };
  infos[IRQS_PENDING_MASK + 1] = { name: 'irqs_pending_mask[1]', shows: 'interrupts', firstIrq: 32 };
  infos[IRQS_PENDING_LOCK] = { name: 'irqs_pending_lock' };
  infos[EXIT_REQUEST] = { name: 'exit_request' };
  infos[RUN_STATE] = { name: 'run_state' };
  infos[REQUESTS] = { name: 'requests' };
  // Both only ever grow; nobody in these scenarios sleeps on them.
  infos[WAKE_SEQUENCE] = { name: 'wake_sequence', unread: true };
  infos[EXIT_COUNT] = { name: 'exit_count', unread: true };
  infos[EXIT_WAITERS] = { name: 'exit_waiters' };
  infos[OWNER] = { name: 'owner' };
  infos[SAVED_HVIP] = { name: 'saved_hvip', shows: 'interrupts', firstIrq: 0 };
  infos[SAVED_HVIP + 1] = { name: 'saved_hvip[1]', shows: 'interrupts', firstIrq: 32 };
  return infos;
}

const INTERRUPT_NAMES: Readonly<Record<number, string>> = {
  2: 'VSSIP',
  6: 'VSTIP',
  10: 'VSEIP',
  13: 'LCOFIP',
};

/** Numbers of messages begin behind those of interrupts. */
const FIRST_MESSAGE = 64;

/** The number that stands for messages with an identity, beside numbers of interrupts. */
export function messageNumber(identity: number): number {
  return FIRST_MESSAGE + identity;
}

/** Stands for messages of the scenario's smallest identity. No identity is 0. */
export const FIRST_IDENTITY = FIRST_MESSAGE;

/** The identity of the messages that a number stands for. */
export function identityOf(number: number): number {
  return number - FIRST_MESSAGE;
}

/** Whether a number stands for messages. */
export function isMessage(irq: number): boolean {
  return irq >= FIRST_MESSAGE;
}

/** Names of the words of an interrupt file, as its registers are called with 32 bits. */
export function fileWordInfos(): WordInfo[] {
  const { pending, enabled, delivery, threshold } = FILE_BLOCK.word;
  const infos: WordInfo[] = Array.from({ length: FILE_BLOCK.words }, (_, index) => ({
    name: `file_${index}`,
  }));
  for (let index = 0; index < enabled - pending; index++) {
    const firstIrq = FIRST_MESSAGE + 32 * index;
    infos[pending + index] = { name: `eip${index}`, shows: 'interrupts', firstIrq };
    infos[enabled + index] = { name: `eie${index}`, shows: 'interrupts', firstIrq };
  }
  infos[delivery] = { name: 'eidelivery' };
  infos[threshold] = { name: 'eithreshold' };
  return infos;
}

/** The name of an interrupt's bit in hvip, or of a message. */
export function interruptName(irq: number): string {
  if (isMessage(irq)) return `message ${irq - FIRST_MESSAGE}`;
  return INTERRUPT_NAMES[irq] ?? `hvip[${irq}]`;
}
