/**
 * Headers with which a page of machines is served. Threads of a machine share its memory, and browsers give pages
 * shared memory only where no page of others is in the same process: "cross-origin isolation" (HTML, section 7.1.3).
 */

/** By which a document becomes isolated, with all that it loads. Nothing of it is for pages of others. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/**
 * For the page that others show in frames: isolated although the page around it is not, where the browser knows that
 * (Document Isolation Policy, Chromium since 137).
 */
export const FRAME_ISOLATION_HEADERS = {
  ...ISOLATION_HEADERS,
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Document-Isolation-Policy': 'isolate-and-require-corp',
} as const;

/** Rights of a page of machines, as the directives of a Content Security Policy. */
const POLICY: Readonly<Record<string, string>> = {
  'default-src': "'none'",
  // Regions of guest code become WebAssembly, which is no JavaScript that is made of texts.
  'script-src': "'self' 'wasm-unsafe-eval'",
  'worker-src': "'self'",
  // xterm.js sets its colors and sizes by style elements of its own.
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data: blob:",
  'font-src': "'self'",
  'manifest-src': "'self'",
  // The guest's network leads where its user lets it, and never where the browser would not.
  'connect-src': "'self' https: wss: http://127.0.0.1:* ws://127.0.0.1:* http://localhost:* ws://localhost:*",
  'frame-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
};

/** The policy as a text, for a header or a `meta` element. */
export function contentPolicy(): string {
  return Object.entries(POLICY)
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ');
}

/**
 * For the checker's modules, which run in workers of their own: the code of a protocol that somebody writes in the
 * page's lessons is a module there, of an address `blob:`, and reaches nothing but the checker.
 */
export const CHECKER_POLICY = "default-src 'none'; script-src 'self' blob:";

/** The header with the sites that may show a page in a frame: a `meta` element cannot say that. */
export function framePolicy(isForFrames: boolean): string {
  return `frame-ancestors ${isForFrames ? '*' : "'self'"}`;
}
