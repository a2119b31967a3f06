import { assemble, createDecoder, type Decoded, type Extension } from '../../src/isa/index.ts';
import type { CodeSource, CompileOptions } from '../../src/jit/index.ts';

/** A region to compile. */
export interface Candidate {
  readonly source: CodeSource;
  /** In bytes from the start of its page. */
  readonly entry: number;
  readonly depth: CompileOptions['depth'];
}

const EXTENSIONS: readonly Extension[] = [
  ...(['i', 'm', 'a', 'f', 'd', 'c', 'zicsr', 'zifencei', 'zicntr', 'zihintpause'] as const),
  ...(['zba', 'zbb', 'zbs', 'zicbom', 'zicboz', 'zawrs', 'svinval', 'sstc'] as const),
];
const PAGE = 4096;
const LINK = 1;

/** Where the instructions of a kernel's `Image` begin and how many bytes of it are looked at. */
const TEXT = { start: 0x2000, bytes: 6 << 20 } as const;
/** Every third region is deep: about what a boot of Linux has. */
const DEEP_EACH = 3;

const decode = createDecoder({ extensions: new Set(EXTENSIONS), xlen: 64 });

/** All code around an offset, as if all of it had run. */
function sourceAt(view: DataView, page: number): CodeSource {
  const at = (offset: number): Decoded | undefined => {
    const place = page + offset;
    return place >= 0 && place + 4 <= view.byteLength ? decode(view.getUint32(place, true)) : undefined;
  };
  return { at, isWarm: (offset) => at(offset) !== undefined, targetsOf: () => [] };
}

function candidatesAt(
  view: DataView,
  places: readonly number[],
  depthOf: (index: number) => Candidate['depth'],
): readonly Candidate[] {
  return places.map((place, index) => {
    const entry = place % PAGE;
    return { source: sourceAt(view, place - entry), entry, depth: depthOf(index) };
  });
}

/** Where a call goes: a jump, or the second of the two instructions of a far one. */
function callTarget(
  at: number,
  before: Decoded | undefined,
  decoded: Decoded | undefined,
): number | undefined {
  if (decoded?.rd !== LINK) return undefined;
  const { instruction, rs1, imm } = decoded;
  if (instruction.name === 'jal') return at + imm;
  const isFar = instruction.name === 'jalr' && before?.instruction.name === 'auipc' && before.rd === rs1;
  return isFar ? at - before.length + before.imm + imm : undefined;
}

/**
 * Functions of a kernel.
 *
 * @param image a raw RISC-V `Image`
 * @param count of regions, spread over the image
 */
export function kernelCandidates(image: Uint8Array, count: number): readonly Candidate[] {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const end = Math.min(view.byteLength - 4, TEXT.start + TEXT.bytes);
  const called = new Set<number>();
  let before: Decoded | undefined;
  for (let at = TEXT.start; at < end; ) {
    const decoded = decode(view.getUint32(at, true));
    const target = callTarget(at, before, decoded);
    if (target !== undefined && target > TEXT.start && target < end) called.add(target);
    before = decoded;
    at += decoded?.length ?? 2;
  }
  const functions = [...called].sort((a, b) => a - b);
  const places = Array.from(
    { length: count },
    (_, i) => functions[Math.floor((i * functions.length) / count)],
  );
  // Not in the order of addresses: neighbours resemble each other.
  const shuffled = places.map((_, i) => places[(i * 337) % count]);
  return candidatesAt(view, shuffled, (index) => (index % DEEP_EACH === 0 ? 'deep' : 'shallow'));
}

/** Instructions in loops of the generated program; `R` and `F` become registers, `N` an offset. */
const LINES: readonly string[] = [
  ...['fld fF, N(s0)', 'fsd fF, N(s0)', 'flw fF, N(s1)', 'fadd.d fF, fF, fF', 'fmul.d fF, fF, fF'],
  ...['fmadd.d fF, fF, fF, fF', 'fsub.s fF, fF, fF', 'fdiv.d fF, fF, fF', 'fsgnj.d fF, fF, fF'],
  ...['fcvt.d.w fF, aR', 'fcvt.w.d aR, fF', 'flt.d aR, fF, fF', 'fmv.x.d aR, fF', 'fcvt.d.s fF, fF'],
  ...['addi aR, aR, N', 'add aR, aR, aR', 'ld aR, N(s0)', 'sw aR, N(s1)', 'slli aR, aR, 3', 'mul aR, aR, aR'],
];

/** Loops with floating point, of a program that is the same each time. */
export function floatCandidates(count: number): readonly Candidate[] {
  let state = 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % limit;
  };
  const line = (): string =>
    LINES[below(LINES.length)].replaceAll(/[RFN]/g, (hole) =>
      String(hole === 'N' ? 8 * below(16) : below(8)),
    );
  const loop = (_: unknown, index: number): string => {
    const lines = (length: number) => Array.from({ length }, line).join('\n');
    const skip = `bltz a${below(8)}, skip${index}\n${lines(6)}\nskip${index}:`;
    return `loop${index}: ${lines(12)}\n${skip}\n${lines(8)}\naddi s2, s2, -1\nbnez s2, loop${index}\nret`;
  };
  const { bytes } = assemble(Array.from({ length: count }, loop).join('\n'));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: number[] = [0];
  for (let at = 0; at + 8 <= view.byteLength; at += 4) {
    const isReturn = view.getUint32(at, true) === 0x0000_8067;
    if (isReturn && at + 4 < view.byteLength) places.push(at + 4);
  }
  return candidatesAt(view, places, () => 'shallow');
}
