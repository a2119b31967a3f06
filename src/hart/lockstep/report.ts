import { disassemble } from '../../isa/index.ts';
import { moduleText } from '../../wasm/index.ts';
import { EXIT, type Exit } from '../layout.ts';
import type { PlacedRegion } from '../tiers/regions-options.ts';
import type { Difference } from './differences.ts';

/** A stretch of guest code that two engines carried out differently. */
export interface Stretch {
  /** Guest-virtual address at which it began, and instructions that had retired before it. */
  readonly startPc: bigint;
  readonly startInstructions: number;
  /** Instructions that each engine has retired in all, and why its run ended. */
  readonly instructions: { readonly compiled: number; readonly interpreted: number };
  readonly exit: { readonly compiled: Exit; readonly interpreted: Exit };
  readonly differences: readonly Difference[];
  /** In which way the engines asked their surroundings for different things. */
  readonly strayed: string | undefined;
  /** The region that was entered last. */
  readonly region: PlacedRegion | undefined;
}

const EXIT_NAMES = {
  [EXIT.yield]: 'end of the stretch',
  [EXIT.trap]: 'trap to the host',
  [EXIT.wait]: 'WFI',
  [EXIT.debug]: 'stop for a debugger',
};

/** Tells people how compiled and interpreted code differ. */
export function describeStretch(stretch: Stretch): string {
  const { startPc, startInstructions, instructions, exit, differences, strayed, region } = stretch;
  return [
    'Compiled and interpreted code differ.',
    `Until instruction ${grouped(startInstructions)}, at pc ${hex(startPc)}, they were equal.`,
    `compiled:     ${grouped(instructions.compiled)} instructions, then ${EXIT_NAMES[exit.compiled]}`,
    `interpreted:  ${grouped(instructions.interpreted)} instructions, then ${EXIT_NAMES[exit.interpreted]}`,
    ...(strayed === undefined ? [] : [`Devices: ${strayed}.`]),
    ...differenceLines(differences),
    ...(region === undefined ? ['No region has run.'] : regionLines(region)),
  ].join('\n');
}

/** Tells people how the memories of both engines differ, which was found some time after it came about. */
export function describeMemory(differences: readonly Difference[], since: number, now: number): string {
  return [
    `Compiled and interpreted code differ in memory, since some time between instructions ${grouped(since)} and ${grouped(now)}.`,
    ...differenceLines(differences),
  ].join('\n');
}

function differenceLines(differences: readonly Difference[]): string[] {
  const width = Math.max(12, ...differences.map(({ name }) => name.length));
  if (differences.length === 0) return [];
  return [
    `  ${''.padEnd(width)}  ${'compiled'.padEnd(18)}  interpreted`,
    ...differences.map(
      ({ name, compiled, interpreted }) => `  ${name.padEnd(width)}  ${hex(compiled)}  ${hex(interpreted)}`,
    ),
  ];
}

/** The guest's code of a region, block by block, and its WebAssembly. */
export function regionLines({ pageLow, pageHigh, xlen, region }: PlacedRegion): string[] {
  const page = (BigInt(pageHigh >>> 0) << 32n) | BigInt(pageLow >>> 0);
  const blocks = region.blocks.map((block) =>
    block.map(({ offset, decoded }) => {
      const pc = BigInt.asUintN(64, page + BigInt(offset));
      return `    ${hex(pc)}  ${disassemble(decoded, { xlen, pc })}`;
    }),
  );
  return [
    'The region that was entered last, block by block:',
    ...blocks.flatMap((lines, index) => [`  block ${index}`, ...lines]),
    'Its WebAssembly:',
    textOf(region.bytes),
  ];
}

/** A report must not fail because the printer does not know an instruction. */
function textOf(bytes: Uint8Array): string {
  try {
    return moduleText(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `It has something that cannot be shown: ${error.message}.`;
  }
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

function hex(value: bigint): string {
  return `0x${value.toString(16).padStart(16, '0')}`;
}
