import { registerHooks } from 'node:module';

/** The compiler does not rewrite this ending. */
const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const publicModule = new URL(`../verify/public.${ending}`, import.meta.url).href;

/**
 * Has `hartvisor/verify` be found by a person's module, which lies anywhere, where no package of this name need be
 * installed.
 *
 * @returns ends that
 */
export function provideVerify(): () => void {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'hartvisor/verify' ? { url: publicModule, shortCircuit: true } : next(specifier, context),
  });
  return () => hooks.deregister();
}
