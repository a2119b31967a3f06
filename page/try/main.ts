/**
 * Parts of the page, each by itself: `npx vite page`, and then `/try.html#timeline?rate=100000&cpus=4`. The timeline
 * shows a machine that is made up.
 */
import '../theme.css';
import './try.css';
import { find } from '../dom.ts';
import { mountExplain } from '../explain/mount.ts';
import { mountTimeline } from '../timeline/mount.ts';
import { probe } from './probe.ts';
import { MomentQueue, SyntheticMachine } from './synthetic.ts';

/** Milliseconds between two batches, as of a machine that is traced. */
const BATCH_MS = 50;

interface Mounted {
  dispose(): void;
}

const main = find('main');
let mounted: Mounted | undefined;

function show(): void {
  const [part, query] = location.hash.slice(1).split('?');
  const wanted = new URLSearchParams(query);
  mounted?.dispose();
  mounted = mount(part ?? '', wanted);
}

function mount(part: string, wanted: URLSearchParams): Mounted {
  if (part === 'explain') return mountExplain(main);
  return timeline(wanted);
}

function timeline(wanted: URLSearchParams): Mounted {
  const number = (name: string, usual: number) => Number(wanted.get(name) ?? usual);
  const machine = new SyntheticMachine({
    cpus: number('cpus', 4),
    rate: number('rate', 2000),
    lostOf: number('lost', 500),
  });
  const queue = new MomentQueue(machine.subject);
  const began = performance.now();
  const end = 1000 * number('seconds', Number.POSITIVE_INFINITY);
  const timer = setInterval(() => {
    const time = performance.now() - began;
    queue.put(machine.until(Math.min(time, end)));
    if (time >= end) clearInterval(timer);
  }, BATCH_MS);
  const view = mountTimeline(main, { open: () => queue });
  return {
    dispose: () => {
      clearInterval(timer);
      view.dispose();
    },
  };
}

Object.assign(globalThis, { probe });
addEventListener('hashchange', show);
show();
