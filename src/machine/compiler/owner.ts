import { type CompilerMemory, createCompilerMemory, stopCompiler } from '../../hart/tiers/compiler-desk.ts';
import type { Engine } from '../engine.ts';
import type { MachinePlan } from '../plan.ts';
import type { CompilerStart } from '../thread.ts';

/** The thread that compiles for all harts of a machine, seen from the one that owns the machine. */
export class MachineCompiler {
  /** What harts ask it by. Under lock step each region comes at a time of its own: they compile themselves. */
  readonly memory: CompilerMemory | undefined;

  constructor(engine: Engine, { pcpus }: MachinePlan) {
    this.memory = engine === 'jit' ? createCompilerMemory(pcpus) : undefined;
  }

  /** The start of the thread; undefined where there is to be none. @param of the start of a processor */
  start(
    thread: Pick<CompilerStart, 'memory' | 'index' | 'engine' | 'xlen' | 'extensions'>,
    of: CompilerStart['of'],
  ): CompilerStart | undefined {
    return this.memory && { ...thread, kind: 'compiler', compiler: this.memory, of };
  }

  /** No hart asks any more. */
  stop(): void {
    if (this.memory !== undefined) stopCompiler(this.memory);
  }
}
