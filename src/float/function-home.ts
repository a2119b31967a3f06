import type { FunctionRef } from '../wasm/expression.ts';
import type { ModuleBuilder } from '../wasm/module-builder.ts';

/** Where functions are defined: a module under construction. */
export type FunctionHome = Pick<ModuleBuilder, 'function'>;

/** Numbers functions as a module without imports does, and leaves their bodies alone. */
export function declarations(): FunctionHome {
  let next = 0;
  return {
    function: (name, params, result): FunctionRef<typeof result> => ({ index: next++, name, params, result }),
  };
}
