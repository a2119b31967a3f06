import { serveHarts } from '../../hart/tiers/compiler-life.ts';
import { hartExtensions } from '../extensions.ts';
import { worksAlone } from '../io/io.ts';
import type { CompilerStart } from '../thread.ts';

/** The life of the thread that compiles for all harts of a machine, while their guests go on. */
export function runCompiler({ compiler, of }: CompilerStart): void {
  const { kind, xlen, extensions } = of;
  serveHarts(compiler, { xlen, extensions: hartExtensions(kind, extensions), alone: worksAlone(of) });
}
