/** The first module of the thread that follows a machine's events. It is small: it has nothing of a machine in it. */
import { runTrace } from '../machine/trace/thread.ts';
import { hostOf, listen, live } from './thread-life.ts';
import type { ToThread } from './thread-messages.ts';

listen<ToThread>(async (order, scope) => {
  if (order.kind !== 'begin') return;
  const run: Parameters<typeof live>[1] = (start, host) => {
    if (start.kind !== 'trace') throw new Error('this thread of a machine has loaded what its trace needs');
    runTrace(start, host);
  };
  await live(scope, run, order, hostOf(scope, order));
});
