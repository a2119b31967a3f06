/**
 * Parts of the page, each by itself: `npx vite page`, and then `/try.html#timeline?rate=100000&cpus=4`. The timeline
 * shows a machine that is made up.
 */
import '../theme.css';
import './try.css';
import type { MomentBatch, MomentSubject } from '../../src/trace/moments.ts';
import { find } from '../dom.ts';
import { mountExplain } from '../explain/mount.ts';
import { mountLearn } from '../learn/mount.ts';
import { mountTimeline } from '../timeline/mount.ts';
import type { Play } from './machine-worker.ts';
import { probe } from './probe.ts';
import { MomentQueue } from './synthetic.ts';

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
  if (part === 'none') return machineAlone(wanted);
  if (part === 'explain') return mountExplain(main);
  if (part === 'learn') return mountLearn(main);
  return timeline(wanted);
}

/** Its moments come to the page, and nobody looks at them. */
function machineAlone(wanted: URLSearchParams): Mounted {
  const worker = startMachine(wanted, () => undefined);
  return { dispose: () => worker.terminate() };
}

function timeline(wanted: URLSearchParams): Mounted {
  let queue: MomentQueue | undefined;
  const view = mountTimeline(main, { open: () => queue, span: numberOf(wanted, 'span', 100) });
  const worker = startMachine(wanted, (data) => {
    if ('rows' in data) {
      queue?.put(data);
      return;
    }
    queue = new MomentQueue(data);
    view.reopen();
  });
  return {
    dispose: () => {
      worker.terminate();
      view.dispose();
    },
  };
}

function startMachine(wanted: URLSearchParams, hear: (data: MomentSubject | MomentBatch) => void): Worker {
  const worker = new Worker(new URL('./machine-worker.ts', import.meta.url), { type: 'module' });
  const play: Play = {
    cpus: numberOf(wanted, 'cpus', 4),
    rate: numberOf(wanted, 'rate', 2000),
    lostOf: numberOf(wanted, 'lost', 500),
    end: 1000 * numberOf(wanted, 'seconds', Number.POSITIVE_INFINITY),
  };
  worker.addEventListener('message', ({ data }: MessageEvent<MomentSubject | MomentBatch>) => hear(data));
  worker.postMessage(play);
  return worker;
}

function numberOf(wanted: URLSearchParams, name: string, usual: number): number {
  return Number(wanted.get(name) ?? usual);
}

Object.assign(globalThis, { probe });
addEventListener('hashchange', show);
show();
