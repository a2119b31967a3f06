import { explainView } from './explain/view.ts';
import { learnView } from './learn/view.ts';
import { timelineView } from './timeline/view.ts';
import type { View } from './view.ts';

/** The views of the page, in their order: a line for each. */
export const VIEWS: readonly View[] = [timelineView, explainView, learnView];
