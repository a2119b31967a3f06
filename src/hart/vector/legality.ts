/**
 * Which vector instructions are legal under a vtype: whether register groups fit, are aligned, and overlap in the ways
 * that are allowed. All follows from the descriptions ("Vector Operands", "Vector Masking").
 */
import {
  type Decoded,
  type ElementsShape,
  type Extension,
  type FloatUse,
  type GroupsShape,
  isSupportedVtype,
  lmulOf,
  type MemoryShape,
  type SpecialShape,
  sewOf,
  type VectorShape,
  vlenOf,
} from '../../isa/index.ts';

/** A group of registers: its first one, log2 of the bytes of an element, log2 of EMUL. */
interface Group {
  readonly first: number;
  readonly eew: number;
  readonly emul: number;
}

/** A mask: one register of elements of a bit. */
const mask = (first: number): Group => ({ first, eew: -3, emul: 0 });
const registersOf = ({ emul }: Group): number => (emul > 0 ? 1 << emul : 1);

/** EEW is one of 8 to 64, EMUL one of 1/8 to 8, and the first register is a multiple of EMUL. */
function exists(group: Group): boolean {
  const { first, eew, emul } = group;
  return eew >= 0 && eew <= 3 && emul >= -3 && emul <= 3 && first % registersOf(group) === 0;
}

function overlap(a: Group, b: Group): boolean {
  return a.first < b.first + registersOf(b) && b.first < a.first + registersOf(a);
}

/**
 * A destination may overlap a source of the same EEW, the lowest part of one of larger elements, and with the highest
 * part of it one of smaller elements that fills whole registers.
 */
function mayOverlap(destination: Group, source: Group): boolean {
  if (destination.eew === source.eew || !overlap(destination, source)) return true;
  if (destination.eew < source.eew) return destination.first === source.first;
  const ends = source.first + registersOf(source) === destination.first + registersOf(destination);
  return source.emul >= 0 && ends;
}

/** An instruction under a vtype. */
class Check {
  readonly #decoded: Decoded;
  readonly #sew: number;
  readonly #lmul: number;

  constructor(decoded: Decoded, vtype: number) {
    this.#decoded = decoded;
    this.#sew = sewOf(vtype);
    this.#lmul = lmulOf(vtype);
  }

  /** `rm` has the bit vm. */
  get #isMasked(): boolean {
    const { instruction, rm } = this.#decoded;
    return instruction.format.fields.has('vm') && rm === 0;
  }

  #group(first: number, scale = 0): Group {
    return { first, eew: this.#sew + scale, emul: this.#lmul + scale };
  }

  /** The group of elements of a width of their own. */
  #groupOf(first: number, eew: number): Group {
    return { first, eew, emul: this.#lmul + eew - this.#sew };
  }

  /** Numbers of 32 and 64 bits, and of 16 where the extension for these is there. */
  floats({ widths, halves }: FloatUse, extensions: ReadonlySet<Extension>): boolean {
    return widths.every((scale) => {
      const eew = this.#sew + scale;
      return eew === 1 ? extensions.has(halves) : eew === 2 || eew === 3;
    });
  }

  elements({ source, d, a, b, mask: use, onlySew }: ElementsShape): boolean {
    if (onlySew !== undefined && onlySew !== 8 << this.#sew) return false;
    const { rd, rs1, rs2 } = this.#decoded;
    const destination = d === 'mask' ? mask(rd) : this.#group(rd, d);
    const sources = [
      ...(a === undefined ? [] : [this.#group(rs2, a)]),
      ...(source === 'v' ? [this.#group(rs1, b)] : []),
    ];
    // A result may not be written over the mask that is still needed, unless it is a mask itself.
    const usesV0 = use === 'operand' || this.#isMasked;
    if (d !== 'mask' && (!exists(destination) || (usesV0 && rd === 0))) return false;
    return sources.every((group) => exists(group) && mayOverlap(destination, group));
  }

  groups({ size, hasVs1, scalar, disjoint, wide }: GroupsShape, extensions: ReadonlySet<Extension>): boolean {
    const isWide = this.#sew === 3 && wide !== undefined && extensions.has(wide);
    if (this.#sew !== 2 && !isWide) return false;
    // A group of registers has to hold one group of elements.
    if (vlenOf(extensions) * 2 ** this.#lmul < size * (8 << this.#sew)) return false;
    const { rd, rs1, rs2 } = this.#decoded;
    const destination = this.#group(rd);
    const sources = {
      rs1: this.#group(rs1),
      rs2: scalar ? { ...this.#group(rs2), emul: 0 } : this.#group(rs2),
    };
    const used = hasVs1 ? [sources.rs1, sources.rs2] : [sources.rs2];
    return (
      exists(destination) &&
      used.every(exists) &&
      disjoint.every((name) => !overlap(destination, sources[name]))
    );
  }

  /** The destination and the initial value are single registers, and may be any. */
  reduction(d: 0 | 1): boolean {
    return this.#sew + d <= 3 && exists(this.#group(this.#decoded.rs2));
  }

  memory(shape: MemoryShape): boolean {
    const { rd, rs2 } = this.#decoded;
    if (shape.addressing === 'mask') return true;
    const indexed = shape.addressing === 'indexed';
    const data = indexed ? this.#group(rd) : this.#groupOf(rd, shape.eew);
    const registers = registersOf(data);
    if (!exists(data) || registers * shape.fields > 8 || rd + registers * shape.fields > 32) return false;
    const loads = !shape.stores;
    if (loads && this.#isMasked && rd === 0) return false;
    if (!indexed) return true;
    const indices = this.#groupOf(rs2, shape.eew);
    if (!exists(indices)) return false;
    return !loads || this.#mayReadIndices(data, indices, shape.fields);
  }

  /** Segments may not overlap their indices at all. */
  #mayReadIndices(data: Group, indices: Group, fields: number): boolean {
    if (fields === 1) return mayOverlap(data, indices);
    const registers = registersOf(data);
    return Array.from({ length: fields }, (_, field) => field).every(
      (field) => !overlap({ ...data, first: data.first + field * registers }, indices),
    );
  }

  special({ operation, source }: SpecialShape): boolean {
    const { rd, rs1, rs2 } = this.#decoded;
    const destination = this.#group(rd);
    const from = this.#group(rs2);
    const v0IsFree = !(this.#isMasked && rd === 0);
    switch (operation) {
      case 'vcpop':
      case 'vfirst':
      case 'vmv.x.s':
      case 'vmv.s.x':
      case 'vfmv.f.s':
        return true;
      case 'vmsbf':
      case 'vmsif':
      case 'vmsof':
        return rd !== rs2 && v0IsFree;
      case 'vid':
        return exists(destination) && v0IsFree;
      case 'viota':
        return exists(destination) && v0IsFree && !overlap(destination, mask(rs2));
      case 'vcompress':
        return exists(destination) && exists(from) && rd !== rs2 && !overlap(destination, mask(rs1));
      case 'vslidedown':
      case 'vslide1down':
        return exists(destination) && exists(from) && v0IsFree;
      case 'vslideup':
      case 'vslide1up':
        return exists(destination) && exists(from) && v0IsFree && rd !== rs2;
      case 'vrgather':
      case 'vrgatherei16': {
        const indices = operation === 'vrgather' ? this.#group(rs1) : this.#groupOf(rs1, 1);
        const mayIndex = source !== 'v' || (exists(indices) && !overlap(destination, indices));
        return exists(destination) && exists(from) && v0IsFree && rd !== rs2 && mayIndex;
      }
    }
  }
}

/**
 * Whether a vector instruction is legal under a vtype, as far as its registers and widths go; vstart, frm and whether
 * vectors and floating point are enabled are other questions.
 *
 * @param vtype as in the hart block: negative if vill
 * @param extensions those of the hart
 */
export function isLegal(
  decoded: Decoded,
  shape: VectorShape,
  vtype: number,
  extensions: ReadonlySet<Extension>,
): boolean {
  const { rd, rs2 } = decoded;
  if (shape.kind === 'configuration') return true;
  // Whole-register loads and stores do not depend on vtype.
  if (shape.kind === 'memory' && shape.addressing === 'whole') return rd % shape.fields === 0;
  if (vtype < 0 || !isSupportedVtype(vtype)) return false;
  const check = new Check(decoded, vtype);
  if ('float' in shape && shape.float !== undefined && !check.floats(shape.float, extensions)) return false;
  switch (shape.kind) {
    case 'elements':
      return check.elements(shape);
    case 'reduction':
      return check.reduction(shape.d);
    case 'mask-logic':
      return true;
    case 'groups':
      return check.groups(shape, extensions);
    case 'special':
      return check.special(shape);
    case 'whole-move':
      return rd % shape.registers === 0 && rs2 % shape.registers === 0;
    case 'memory':
      return check.memory(shape);
  }
}
