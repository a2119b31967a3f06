/**
 * The first module of the threads that a machine's harts run on. Each of them compiles all of it before a guest runs,
 * so that it has nothing of disks, networks, and the generator of the interpreter, as {@link file://./thread.ts} has.
 */
import { runPcpu } from '../machine/domain/thread.ts';
import { hostOf, listen, live } from './thread-life.ts';
import type { ToThread } from './thread-messages.ts';

listen<ToThread>(async (order, scope) => {
  if (order.kind !== 'begin') return;
  const run: Parameters<typeof live>[1] = (start, host) => {
    if (start.kind !== 'domain') throw new Error('this thread of a machine has loaded what pCPUs run');
    runPcpu(start, host);
  };
  await live(scope, run, order, hostOf(scope, order));
});
