import type { InstructionDefinition } from '../define.ts';
import type { Format } from '../formats.ts';
import { UNMASKED, vector, vs2Is } from './define.ts';
import { V_INDEXED, V_STRIDED, V_UNIT, V_UNIT_PLAIN } from './formats.ts';
import type { Addressing, MemoryShape } from './shapes.ts';

const LOAD = 0x07;
const STORE = 0x27;
/** The field `width` by log2 of the bytes of an element. */
const WIDTH = [0, 5, 6, 7] as const;
const SIZES = [0, 1, 2, 3] as const;
/** The field `mop`. */
const MOP = { unit: 0, indexedUnordered: 1, strided: 2, indexedOrdered: 3 } as const;
/** lumop and sumop: kinds of unit-stride accesses. */
const UNIT = { plain: 0, whole: 8, mask: 11, faultOnlyFirst: 16 } as const;

function access(
  name: string,
  format: Format,
  [stores, addressing, eew, fields]: readonly [boolean, Addressing, MemoryShape['eew'], number],
  mop: number,
  fixed = 0,
): InstructionDefinition {
  const match = ((fields - 1) << 29) | (mop << 26) | fixed | (WIDTH[eew] << 12) | (stores ? STORE : LOAD);
  return vector(name, format, match, { kind: 'memory', stores, addressing, eew, fields });
}

/** Loads and stores of elements and of segments of up to eight fields. */
function ofFields(stores: boolean, fields: number): InstructionDefinition[] {
  const letter = stores ? 's' : 'l';
  const seg = fields === 1 ? '' : `seg${fields}`;
  return SIZES.flatMap((eew) => {
    const bits = 8 << eew;
    const kind = (addressing: Addressing) => [stores, addressing, eew, fields] as const;
    const indexed = (order: 'u' | 'o', mop: number): InstructionDefinition =>
      access(`v${letter}${order}x${seg}ei${bits}.v`, V_INDEXED, kind('indexed'), mop);
    const first = access(
      `vl${seg}e${bits}ff.v`,
      V_UNIT,
      kind('fault-only-first'),
      MOP.unit,
      vs2Is(UNIT.faultOnlyFirst),
    );
    return [
      access(`v${letter}${seg}e${bits}.v`, V_UNIT, kind('unit'), MOP.unit, vs2Is(UNIT.plain)),
      ...(stores ? [] : [first]),
      access(`v${letter}s${seg}e${bits}.v`, V_STRIDED, kind('strided'), MOP.strided),
      indexed('u', MOP.indexedUnordered),
      indexed('o', MOP.indexedOrdered),
    ];
  });
}

const wholeFixed = vs2Is(UNIT.whole) | UNMASKED;

const whole = [1, 2, 4, 8].flatMap((registers) => [
  ...SIZES.map((eew) =>
    access(
      `vl${registers}re${8 << eew}.v`,
      V_UNIT_PLAIN,
      [false, 'whole', eew, registers],
      MOP.unit,
      wholeFixed,
    ),
  ),
  access(`vs${registers}r.v`, V_UNIT_PLAIN, [true, 'whole', 0, registers], MOP.unit, wholeFixed),
]);

const masks = [
  access('vlm.v', V_UNIT_PLAIN, [false, 'mask', 0, 1], MOP.unit, vs2Is(UNIT.mask) | UNMASKED),
  access('vsm.v', V_UNIT_PLAIN, [true, 'mask', 0, 1], MOP.unit, vs2Is(UNIT.mask) | UNMASKED),
];

const segments = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((fields) => [
  ...ofFields(false, fields),
  ...ofFields(true, fields),
]);

/** "Vector Loads and Stores". */
export const memoryInstructions: readonly InstructionDefinition[] = [...segments, ...masks, ...whole];
