import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
import { checkerPlugin } from '../scripts/page/checker-modules.ts';
import { sourcePlaces } from '../scripts/page/source-places.ts';
import { interpreterFiles } from '../scripts/web/interpreter-files.ts';
import { contentPolicy, ISOLATION_HEADERS } from '../src/node/web/headers.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * The page's policy as an element of it, for hosts that cannot send headers. Vite's own server needs more than it
 * allows.
 */
function policyElement(): Plugin {
  return {
    name: 'hartvisor-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: contentPolicy() },
        injectTo: 'head-prepend',
      },
    ],
  };
}

/** The page, to be put into any folder of any host: all of its addresses are relative. */
export default defineConfig({
  root: here('.'),
  base: './',
  publicDir: here('public'),
  plugins: [policyElement(), sourcePlaces(), checkerPlugin(), interpreterFiles()],
  resolve: { alias: { 'hartvisor/web': here('../src/web/index.ts') } },
  // Each thread loads one file: with several it would wait for one after the other, and machines have many threads.
  worker: { format: 'es', rolldownOptions: { output: { codeSplitting: false } } },
  server: { headers: ISOLATION_HEADERS },
  build: {
    target: 'es2024',
    emptyOutDir: true,
    // Each file is needed by others at once; a data: address in a style sheet would be against the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      // How long plugins take is nobody's business here.
      checks: { pluginTimings: false },
      input: {
        index: here('index.html'),
        embed: here('embed.html'),
        terminal: here('element/index.ts'),
      },
      // Modules that pages of others import have names that stay.
      preserveEntrySignatures: 'allow-extension',
      output: {
        entryFileNames: ({ name }) => (name === 'terminal' ? '[name].js' : 'assets/[name]-[hash].js'),
      },
    },
  },
});
