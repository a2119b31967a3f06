import { type Decoded, lmulOf, sewOf, type VectorShape } from '../../src/isa/index.ts';

/** Registers that an instruction reads: the first one, how many, and log2 of the bytes of an element; -3 of a mask. */
interface Read {
  readonly first: number;
  readonly registers: number;
  readonly eew: number;
}

/**
 * Whether an instruction reads no register as elements of two widths, which is reserved ("Vector Operands"): our hart
 * does it, and so does QEMU 7.2; later ones do not in most cases.
 */
export function readsOneWidth(decoded: Decoded, shape: VectorShape, vtype: number): boolean {
  const reads = readsOf(decoded, shape, vtype);
  return reads.every((one, index) =>
    reads.slice(index + 1).every((other) => one.eew === other.eew || !overlap(one, other)),
  );
}

function overlap(a: Read, b: Read): boolean {
  return a.first < b.first + b.registers && b.first < a.first + a.registers;
}

function readsOf(decoded: Decoded, shape: VectorShape, vtype: number): Read[] {
  const { rd, rs1, rs2, rm, instruction } = decoded;
  const sew = sewOf(vtype);
  const group = (first: number, eew: number, fields = 1): Read => {
    return { first, registers: fields * 2 ** Math.max(0, lmulOf(vtype) + eew - sew), eew };
  };
  const mask = (first: number): Read => ({ first, registers: 1, eew: -3 });
  const isMasked = instruction.format.fields.has('vm') && rm === 0;
  const v0 = isMasked || instruction.format.syntax.includes('v0') ? [mask(0)] : [];
  const isVector = instruction.format.registers.rs1 === 'v';
  switch (shape.kind) {
    case 'elements':
      return [
        ...v0,
        ...(shape.a === undefined ? [] : [group(rs2, sew + shape.a)]),
        ...(isVector ? [group(rs1, sew + shape.b)] : []),
        ...(shape.readsD && shape.d !== 'mask' ? [group(rd, sew + shape.d)] : []),
      ];
    case 'reduction':
      return [...v0, group(rs2, sew), { first: rs1, registers: 1, eew: sew + shape.d }];
    case 'memory': {
      const { addressing, stores, fields, eew } = shape;
      const indexed = addressing === 'indexed';
      const data = stores ? [group(rd, indexed ? sew : eew, fields)] : [];
      return [...v0, ...data, ...(indexed ? [group(rs2, eew)] : [])];
    }
    case 'special': {
      const isMask = /^(v[mi]|vcpop|vfirst)/.test(shape.operation) && !shape.operation.startsWith('vmv');
      const second =
        shape.operation === 'vcompress'
          ? mask(rs1)
          : group(rs1, shape.operation === 'vrgatherei16' ? 1 : sew);
      return [...v0, isMask ? mask(rs2) : group(rs2, sew), ...(isVector ? [second] : [])];
    }
    default:
      return v0;
  }
}
