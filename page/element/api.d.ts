import type { CommandResult, RunOptions, Vm, VmEnd } from 'hartvisor/web';

/** The state of a `<hartvisor-terminal>`; also its attribute `state`, for style sheets. */
export type TerminalState = 'idle' | 'starting' | 'running' | 'paused' | 'ended' | 'failed';

/** How far the way to a machine has come: the detail of `progress`. */
export interface TerminalProgress {
  /** For people. */
  readonly message: string;
  /** 0 to 1; undefined if that is not known. */
  readonly fraction: number | undefined;
}

/** Events of `<hartvisor-terminal>`. None of them bubbles. */
export interface HartvisorTerminalEventMap {
  progress: CustomEvent<TerminalProgress>;
  /** The shell is there; the command of the attribute was typed. */
  ready: CustomEvent<{ readonly vm: Vm }>;
  /** `state` has changed. */
  statechange: CustomEvent<{ readonly state: TerminalState }>;
  /** The machine has ended. */
  exit: CustomEvent<{ readonly end: VmEnd }>;
  /** No machine could be started. */
  error: CustomEvent<{ readonly error: unknown }>;
}

/**
 * A terminal with a machine behind it. Attributes: `src`, `command`, `autoplay`, `cpus`, `threads`, `memory`,
 * `protocol`, `aia`, `label`, `theme` (`light`, `dark`), `font-size` (pixels).
 */
export interface HartvisorTerminal extends HTMLElement {
  /** The machine, while there is one. */
  readonly vm: Vm | undefined;
  readonly state: TerminalState;
  /** All that the terminal shows, with what was scrolled away. */
  readonly text: string;
  /** Starts the machine, or another one in its place. Fulfilled when its shell is there. */
  start(): Promise<Vm>;
  /** Cuts the machine's power. */
  stop(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
  /** Types at the terminal. */
  type(text: string): void;
  /** Runs a command beside the terminal, and starts the machine before, if there is none. */
  run(command: string | readonly string[], options?: RunOptions): Promise<CommandResult>;
  addEventListener<Type extends keyof HartvisorTerminalEventMap>(
    type: Type,
    listener: (event: HartvisorTerminalEventMap[Type]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

/** The class of the element, which importing this module has defined as `hartvisor-terminal`. */
export declare const HartvisorTerminalElement: { new (): HartvisorTerminal; prototype: HartvisorTerminal };

/** The answer to a page's wish for shared memory. */
export type Isolation =
  | { readonly kind: 'isolated' }
  /** The page is loading anew, with the headers. */
  | { readonly kind: 'reloading' }
  /** In whole sentences. */
  | { readonly kind: 'refused'; readonly message: string };

/**
 * Gets a page the headers for shared memory by a service worker, where its server does not send them: the page is
 * loaded once more then.
 *
 * @param worker address of a copy of `isolation-worker.js` in the page's folder, or in one above it
 * @throws InputError for anything else
 */
export declare function isolate(worker?: string | URL): Promise<Isolation>;

declare global {
  interface HTMLElementTagNameMap {
    'hartvisor-terminal': HartvisorTerminal;
  }
}
