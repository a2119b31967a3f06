/**
 * The mechanism by itself, as `hartvisor/interrupts`: the pending interrupts of a vCPU on any shared memory, without a
 * hart, a hypervisor or a machine. Any thread sets and unsets interrupts; the thread that runs the vCPU flushes before
 * it enters its guest, and syncs after it. `docs/interrupts.md` explains why nothing is lost, `examples/ipi.ts` uses
 * it.
 *
 * @module
 */
export { InterruptRuleError } from './loop-rules.ts';
export {
  type ExtraInterrupts,
  hvipToVsBits,
  type InterruptNumbers,
  IRQ_PMU_OVF,
  IRQ_VS_EXT,
  IRQ_VS_SOFT,
  IRQ_VS_TIMER,
  interruptNumbers,
  NR_IRQS,
  vsBitsToHvip,
} from './numbers.ts';
export type { OwnerState, Protocol } from './protocol.ts';
export { DEFAULT_PROTOCOL, PROTOCOLS, protocolByName } from './protocols.ts';
export {
  cancelBlock,
  dispatchVcpu,
  exitRequested,
  hasRequests,
  makeRequest,
  requestExit,
  runState,
  startVcpu,
  takeRequests,
  type Wake,
  waitForWake,
  waitUntilOutside,
  wakeSequence,
} from './run-state.ts';
export {
  type BlockResult,
  type PendingImage,
  VcpuInterrupts,
  type VcpuInterruptsOptions,
} from './vcpu-interrupts.ts';
export {
  createVcpuWords,
  EXIT_REQUEST,
  RunState,
  VCPU_ALIGNMENT,
  VCPU_BYTES,
  VCPU_WORDS,
  type VcpuWords,
  vcpuWordsAt,
} from './words.ts';
