/**
 * Defines `<hartvisor-terminal>`. The guest that it starts lies in `guest/` beside this module, unless `src` names
 * another one.
 *
 * @module
 */
import { terminalElement } from './terminal-element.ts';

export { type Isolation, isolate } from '../isolation.ts';
export type {
  HartvisorTerminal,
  HartvisorTerminalEventMap,
  TerminalProgress,
  TerminalState,
} from './api.d.ts';

const NAME = 'hartvisor-terminal';
// A variable, so that bundlers do not look for a file of that name.
const here = import.meta.url;

/** The class of the element. */
export const HartvisorTerminalElement = terminalElement(new URL('guest/', here));

// A page may have this module twice, by two addresses.
if (customElements.get(NAME) === undefined) customElements.define(NAME, HartvisorTerminalElement);
