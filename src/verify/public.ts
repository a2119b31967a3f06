/**
 * The module `hartvisor/verify`, for those who write protocols or scenarios of their own; `docs/verify.md` is its
 * manual.
 */

export { FILE_BLOCK, FILE_REGISTER } from '../interrupts/interrupt-file.ts';
export { IRQ_PMU_OVF, IRQ_VS_EXT, IRQ_VS_SOFT, IRQ_VS_TIMER } from '../interrupts/numbers.ts';
export type { OwnerState, Protocol } from '../interrupts/protocol.ts';
export { protocolByName } from '../interrupts/protocols.ts';
export type { VcpuWords } from '../interrupts/words.ts';
export { IRQS_PENDING, IRQS_PENDING_LOCK, IRQS_PENDING_MASK, VCPU_WORDS } from '../interrupts/words.ts';
export type { FilePlace, FileProtocol, FileWay } from './files/way.ts';
export { type Scenario, scenario, type ThreadMaker } from './scenario.ts';
export type { Env, LocalState, Thread } from './thread.ts';
export { fencer } from './world/fence.ts';
export { messenger, wired } from './world/messages.ts';
export { device, sender, sharingDevice } from './world/producers.ts';
export { clock } from './world/timer.ts';
export { vcpu } from './world/vcpu.ts';
export type { World } from './world/world.ts';
