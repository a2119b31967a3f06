import '../view.css';
import '../explain/explain.css';
import './learn.css';
import { Checker } from '../checker/checker.ts';
import { Learn } from './learn.ts';

/** Puts the lessons into an element, which they fill. */
export function mountLearn(container: HTMLElement): { dispose(): void } {
  return new Learn(container, new Checker());
}
