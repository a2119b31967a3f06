import type { MomentStep } from '../../src/trace/moments.ts';

/** A place in the sources: a file, and a text of the line that is meant, which is there once. */
export interface Anchor {
  readonly file: string;
  readonly text: string;
}

/** Where in the sources each step of an interrupt happens; tests and builds find the lines. */
export const STEP_PLACES: Readonly<Record<MomentStep, Anchor>> = {
  stay: { file: 'src/interrupts/vcpu-loop.ts', text: 'protected exit(): LoopPart {' },
  set: { file: 'src/interrupts/vcpu-interrupts.ts', text: '  setInterrupt(irq: number): boolean {' },
  kick: { file: 'src/interrupts/run-state.ts', text: 'export function kick(words: VcpuWords' },
  raise: { file: 'src/devices/plic/device.ts', text: '#drive(source: number, level: boolean): void {' },
  inject: { file: 'src/interrupts/vcpu-interrupts.ts', text: 'flushInterrupts(): void {' },
  take: { file: 'src/hypervisor/pcpu.ts', text: 'noteTaken(cause: number): void {' },
  claim: { file: 'src/devices/plic/device.ts', text: '#claim(context: number): number {' },
  spurious: { file: 'src/devices/plic/device.ts', text: '#best(context: number): number {' },
  lost: { file: 'src/trace/ledger.ts', text: '#lose(edge: Edge, endBefore: number)' },
  sleep: { file: 'src/interrupts/run-state.ts', text: 'export function prepareToBlock(words: VcpuWords' },
  awake: { file: 'src/interrupts/run-state.ts', text: 'export function cancelBlock(words: VcpuWords' },
  wake: { file: 'src/interrupts/run-state.ts', text: 'function wakeBlocked(words: VcpuWords' },
  yield: { file: 'src/interrupts/vcpu-loop.ts', text: 'protected yield(): LoopPart {' },
  stop: { file: 'src/interrupts/vcpu-loop.ts', text: 'protected stop(): LoopPart {' },
  load: { file: 'src/interrupts/vcpu-loop.ts', text: 'protected load(): LoopPart {' },
  gap: { file: 'src/trace/ring.ts', text: '#lose(): void {' },
};

/** In place of those above, where an interrupt goes another way. */
export const OTHER_PLACES = {
  /** A message, not a wire. */
  message: {
    file: 'src/devices/imsic/device.ts',
    text: '#receive(page: number, identity: number): boolean {',
  },
  messageClaim: {
    file: 'src/interrupts/interrupt-file.ts',
    text: 'claim(top: number = this.top()): number {',
  },
  /** The begin of a stay in the guest. */
  flush: { file: 'src/interrupts/vcpu-loop.ts', text: 'protected flush(): LoopPart {' },
  /** A bare hart. */
  bare: { file: 'src/machine/bare/loop.ts', text: 'export class BareLoop {' },
} as const satisfies Readonly<Record<string, Anchor>>;

export type PlaceName = MomentStep | keyof typeof OTHER_PLACES;
