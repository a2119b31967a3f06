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
  if (part === 'none') return { dispose: () => undefined };
  if (part === 'explain') return mountExplain(main);
  if (part === 'learn') return mountLearn(main);
  return timeline(wanted);
}

function timeline(wanted: URLSearchParams): Mounted {
  const number = (name: string, usual: number) => Number(wanted.get(name) ?? usual);
  const worker = new Worker(new URL('./machine-worker.ts', import.meta.url), { type: 'module' });
  const play: Play = {
    ...{ cpus: number('cpus', 4), rate: number('rate', 2000), lostOf: number('lost', 500) },
    end: 1000 * number('seconds', Number.POSITIVE_INFINITY),
  };
  let queue: MomentQueue | undefined;
  const view = mountTimeline(main, { open: () => queue, span: number('span', 100) });
  worker.addEventListener('message', ({ data }: MessageEvent<MomentSubject | MomentBatch>) => {
    if ('rows' in data) {
      queue?.put(data);
      return;
    }
    queue = new MomentQueue(data);
    view.reopen();
  });
  worker.postMessage(play);
  return {
    dispose: () => {
      worker.terminate();
      view.dispose();
    },
  };
}

Object.assign(globalThis, { probe });
addEventListener('hashchange', show);
show();
