/**
 * An interrupt file in generated code, as its owner uses it: {@link InterruptFile} does the same accesses to the same
 * words in the same order, and says why they are right.
 */
import { FILE_BLOCK } from '../../interrupts/interrupt-file.ts';
import { call, type FunctionRef, type I32, i32, type Local, type ModuleBuilder } from '../../wasm/index.ts';
import { FIELD } from '../layout.ts';

const { pending: PENDING, enabled: ENABLED, delivery: DELIVERY, threshold: THRESHOLD } = FILE_BLOCK.at;

/** Functions `(hart, address of the file) -> identity`, 0 if there is none. */
export interface FileFunctions {
  /** `InterruptFile.top`. */
  readonly top: FunctionRef<'i32'>;
  /** `InterruptFile.claim` of the top interrupt. */
  readonly claim: FunctionRef<'i32'>;
  /** The interrupt on top if the file delivers, as `InterruptFile.asserts` looks. */
  readonly delivered: FunctionRef<'i32'>;
}

/** The accesses to words of files, each at an address and an offset. */
export type FileAtomics = Pick<typeof i32.atomic, 'load' | 'rmwAnd'>;

/** @param atomic in tests, accesses that somebody watches */
export function defineFile(module: ModuleBuilder, atomic: FileAtomics = i32.atomic): FileFunctions {
  const top = defineTop(module, atomic);
  return {
    top,
    claim: module.function('file claim', ['i32', 'i32'], 'i32', (f) => {
      const file = f.param(1, 'i32');
      const identity = f.let(call(top, f.param(0, 'i32'), file));
      f.if(identity, () => {
        const word = wordOf(file, identity);
        const bit = i32.shl(i32.const(1), identity);
        // Meets the or of a sender.
        f.drop(atomic.rmwAnd(word, i32.xor(bit, i32.const(-1)), PENDING));
      });
      f.return(identity);
      f.unreachable();
    }),
    delivered: module.function('file delivered', ['i32', 'i32'], 'i32', (f) => {
      const file = f.param(1, 'i32');
      f.if(i32.eqz(atomic.load(file, DELIVERY)), () => f.return(i32.const(0)));
      f.return(call(top, f.param(0, 'i32'), file));
      f.unreachable();
    }),
  };
}

function defineTop(module: ModuleBuilder, atomic: FileAtomics): FunctionRef<'i32'> {
  return module.function('file top', ['i32', 'i32'], 'i32', (f) => {
    const hart = f.param(0, 'i32');
    const file = f.param(1, 'i32');
    const top = f.let(i32.const(0));
    const at = f.let(i32.add(file, i32.shl(i32.load(hart, FIELD.fileWords), i32.const(2))));
    f.loop((next) => {
      f.set(at, i32.sub(at, i32.const(4)));
      // Meets the or of a sender.
      const pending = f.let(atomic.load(at, PENDING));
      f.if(pending, () => {
        const takes = f.let(i32.and(pending, atomic.load(at, ENABLED)));
        // A word of four bytes has 32 identities.
        const first = i32.shl(i32.sub(at, file), i32.const(3));
        f.if(takes, () => f.set(top, i32.add(first, i32.ctz(takes))));
      });
      f.brIf(next, i32.ne(at, file));
    });
    f.if(i32.eqz(top), () => f.return(i32.const(0)));
    const threshold = f.let(atomic.load(file, THRESHOLD));
    const isBelow = i32.or(i32.eqz(threshold), i32.lt_u(top, threshold));
    f.if(isBelow, () => f.return(top));
    f.return(i32.const(0));
    f.unreachable();
  });
}

/** Address of the word of an identity; add where the array begins. */
function wordOf(file: Local<'i32'>, identity: Local<'i32'>): I32 {
  return i32.add(file, i32.shl(i32.shr_u(identity, i32.const(5)), i32.const(2)));
}
