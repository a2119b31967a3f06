/**
 * A service worker for hosts that cannot send headers, such as GitHub Pages. It gives what the page loads the headers by
 * which the page gets memory that its threads share. Pages that are isolated without it never load it.
 */
self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  // Browsers ask so for what they have already; the answer to that cannot be made here.
  if (request.cache === 'only-if-cached' && request.mode !== 'same-origin') return;
  // Responses of other origins are theirs: whether this page may have them is for their headers to say.
  if (new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(isolated(request));
});

async function isolated(request) {
  const response = await fetch(request);
  if (response.status === 0 || response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  const isFrame = new URL(request.url).pathname.endsWith('/embed.html');
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', isFrame ? 'cross-origin' : 'same-origin');
  if (isFrame) headers.set('Document-Isolation-Policy', 'isolate-and-require-corp');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
