import '../view.css';
import './timeline.css';
import { Timeline, type TimelineOptions } from './timeline.ts';

export type { TimelineOptions } from './timeline.ts';

/** A timeline that is there. */
export interface MountedTimeline {
  setVisible(isVisible: boolean): void;
  /** The machine is another one: `open` is asked anew. */
  reopen(): void;
  dispose(): void;
}

/** Puts the timeline of a machine into an element, which it fills. */
export function mountTimeline(container: HTMLElement, options: TimelineOptions): MountedTimeline {
  return new Timeline(container, options);
}
