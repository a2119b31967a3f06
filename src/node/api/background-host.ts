import type { Closers } from '../closers.ts';
import { NodeHost } from '../node-host.ts';

/** A host for one machine of a program, which does not wait for it, with its first thread on the way. */
export function backgroundHost(closers: Closers): NodeHost {
  const host = new NodeHost({ background: true });
  closers.add(() => host.close());
  host.prepare('domain');
  return host;
}
