import '../view.css';
import './explain.css';
import { Checker } from '../checker/checker.ts';
import { Explain } from './explain.ts';

/** The page's services for the view of counterexamples. */
export interface ExplainMountOptions {
  /** Starts the page's machine anew with a protocol. */
  readonly onRun?: (protocol: string) => void;
}

/** Puts the view of counterexamples into an element, which it fills. */
export function mountExplain(container: HTMLElement, options: ExplainMountOptions = {}): { dispose(): void } {
  return new Explain(container, { checker: new Checker(), ...options });
}
