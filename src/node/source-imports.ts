import { registerHooks } from 'node:module';

/**
 * Makes the imports that follow in this thread quicker, where the sources themselves run: they name the files that they
 * import, so Node need not search for each, nor look for its kind of module.
 */
export function takeImportsAsWritten(): void {
  const self = 'node/source-imports.ts';
  if (!import.meta.url.endsWith(self)) return;
  const sources = import.meta.url.slice(0, -self.length);
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('.') && specifier.endsWith('.ts') && context.parentURL?.startsWith(sources)
        ? { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
        : next(specifier, context),
  });
}
