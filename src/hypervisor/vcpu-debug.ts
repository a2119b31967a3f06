import type { HartStop } from '../hart/debug/hart-debug.ts';

/** Questions of a pCPU on behalf of a debugger, about vCPUs by their number. */
export interface VcpuDebug {
  /** The vCPU is not to run now. */
  holds(vcpu: number): boolean;
  /** The vCPU is to carry out one instruction. */
  steps(vcpu: number): boolean;
  /** The vCPU was taken from the run queue and is not run: the debugger puts it back. */
  park(vcpu: number): void;
  /**
   * The vCPU has run, or stepped.
   *
   * @param stepped the result of {@link steps} before
   * @param stop where a debugger wants it to stop, if the hart has come there
   * @returns whether it is to hold still from now on
   */
  ran(vcpu: number, stepped: boolean, stop: HartStop | undefined): boolean;
}
