import { spawnSync } from 'node:child_process';
import {
  EXTENSION_NAMES,
  EXTENSIONS,
  type Extension,
  type Instruction,
  type Xlen,
} from '../../src/isa/index.ts';

/** The beginning of the names of the cross binutils; another directory with newer ones may be given. */
export const BINUTILS = `${process.env.HARTVISOR_BINUTILS ?? ''}riscv64-linux-gnu-`;

/** Whether there are binutils to compare with; a notice says so if not. */
export function hasBinutils(...tools: readonly string[]): boolean {
  const found = tools.every((tool) => spawnSync(`${BINUTILS}${tool}`, ['--version']).status === 0);
  if (!found) console.warn(`skipped: comparison with ${BINUTILS}as and others, which are not installed`);
  return found;
}

/** Extensions that have no instructions, or that the assembler knows without their names. */
const NOT_ASKED: ReadonlySet<Extension> = new Set<Extension>(['i', 'm', 'a', 'f', 'd', 'c', 'h']);

/** The extensions of ours that the installed assembler knows, and the words for `-march` that name them. */
export function knownExtensions(xlen: Xlen): {
  readonly names: ReadonlySet<Extension>;
  readonly march: string;
} {
  const asked = EXTENSION_NAMES.filter(
    (name) => !NOT_ASKED.has(name) && (EXTENSIONS[name].xlen ?? xlen) === xlen && isKnown(name, xlen),
  );
  return { names: new Set([...NOT_ASKED, ...asked]), march: `rv${xlen}gch_${asked.join('_')}` };
}

function isKnown(name: Extension, xlen: Xlen): boolean {
  const args = [`-march=rv${xlen}gc_${name}`, '-o', '/dev/null', '/dev/null'];
  return spawnSync(`${BINUTILS}as`, args).status === 0;
}

/** Whether an instruction belongs to one of some extensions. */
export function isOf(names: ReadonlySet<Extension>, { extension, alsoIn }: Instruction): boolean {
  return names.has(extension) || (alsoIn !== undefined && names.has(alsoIn));
}
