import type { Extension } from '../isa/index.ts';
import { FIELD } from './layout.ts';
import type { RamWindow } from './platform.ts';
import { supervisorStatusBits } from './privileged/index.ts';

interface Description {
  readonly ram: RamWindow;
  readonly extensions: ReadonlySet<Extension>;
  readonly hartId: number;
}

/**
 * Writes what generated code must know of a hart.
 *
 * @param words the hart block
 */
export function describeHart(words: Int32Array, { ram, extensions, hartId }: Description): void {
  words[FIELD.ramOffset >> 2] = ram.offset;
  words[FIELD.ramBase >> 2] = ram.base | 0;
  words[(FIELD.ramBase >> 2) + 1] = Math.floor(ram.base / 2 ** 32);
  words[FIELD.ramSize >> 2] = ram.size | 0;
  words[(FIELD.ramSize >> 2) + 1] = Math.floor(ram.size / 2 ** 32);
  words[FIELD.hartId >> 2] = hartId;
  words[FIELD.statusBits >> 2] = supervisorStatusBits(extensions);
  words[FIELD.epcAlignment >> 2] = extensions.has('c') ? 1 : 3;
}
