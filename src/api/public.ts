/**
 * The part of the API that both hosts have: `hartvisor` and `hartvisor/web` export it alike. Each host adds the parts
 * that it alone has.
 */

export { GuestAgent } from '../agent/agent.ts';
export { AgentError, type AgentErrorCode } from '../agent/agent-error.ts';
export type { Abortable } from '../agent/arguments.ts';
export {
  CommandError,
  type CommandExit,
  type CommandResult,
  type CommandTexts,
} from '../agent/command-result.ts';
export { Commands, type Job, type RunOptions, type StartOptions } from '../agent/commands.ts';
export type { FileEvent } from '../agent/files/file-event.ts';
export type { FileInfo, FileKind, FolderEntry } from '../agent/files/file-info.ts';
export {
  Files,
  type MkdirOptions,
  type ReadAllOptions,
  type ReadOptions,
  type RemoveOptions,
  type StatOptions,
  type WriteOptions,
} from '../agent/files/files.ts';
export type { WatchOptions } from '../agent/files/watch.ts';
export type { GuestSystem } from '../agent/guest-system.ts';
export type { Command, ProgramOptions, TerminalSize } from '../agent/running-command.ts';
export type { SignalName } from '../agent/signals.ts';
export type { GuestSocket } from '../agent/tcp.ts';
export type { GuestTerminal, TerminalOptions } from '../agent/terminal.ts';
export { type ElfFile, readElf } from '../boot/elf.ts';
export { type InitramfsOptions, initramfs } from '../boot/initramfs.ts';
export { type Kernel, readKernel } from '../boot/kernel-image.ts';
export { type DebugLine, DebugSession } from '../debug/session.ts';
export type {
  Action,
  CsrFact,
  DebugListener,
  DebugTarget,
  Ending,
  PointKind,
  Stop,
} from '../debug/target.ts';
export type {
  Backends,
  ConsoleBackend,
  GuestPort,
  GuestSockets,
  GuestStream,
  PortBackend,
  StreamBackend,
  StreamEnd,
  VsockBackend,
} from '../devices/backends.ts';
export type { DriveFacts, NetworkFacts, PortFacts, ShareFacts, VsockFacts } from '../devices/descriptor.ts';
export { HartvisorError } from '../errors/hartvisor-error.ts';
export { InputError } from '../errors/input-error.ts';
export { MachineEndedError } from '../errors/machine-ended-error.ts';
export type { BareProgram } from '../machine/bare/boot.ts';
export type { MachineConfig } from '../machine/config.ts';
export type { Engine } from '../machine/engine.ts';
export type { VcpuStats } from '../machine/kind.ts';
export { type FollowOptions, Machine } from '../machine/machine.ts';
export type { MachineEnd } from '../machine/machine-end.ts';
export type { MachineCallbacks, MachineHost, RunningThread } from '../machine/machine-host.ts';
export { DEFAULT_MAC, userNetwork } from '../network/defaults.ts';
export { type AllowRule, parseRule } from '../network/policy.ts';
export type { InterruptEvent } from '../trace/interrupt-timeline.ts';
export type { LiveInterrupt } from '../trace/live.ts';
export {
  MOMENT,
  MOMENT_COUNTS,
  MOMENT_ROW,
  MOMENT_STEPS,
  type MomentBatch,
  type MomentCount,
  type MomentStep,
  type MomentSubject,
  type Moments,
} from '../trace/moments.ts';
export type {
  BootOptions,
  BootProgress,
  ForwardedPort,
  GuestName,
  Limits,
  VmDisk,
  VmForward,
  VmNetwork,
  VmShare,
} from './boot-options.ts';
export type { OpenForward } from './platform.ts';
export { Vm, type VmEnd } from './vm.ts';
export { VmConsole, type WaitOptions } from './vm-console.ts';
export { type RestoreOptions, VmImage } from './vm-image.ts';
export { type ForwardOptions, VmPorts } from './vm-ports.ts';
