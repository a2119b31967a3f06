import type { Vm } from 'hartvisor/web';
import type { Settings } from './machine/settings.ts';

/** The machine that the page has, for its views. */
export interface MachineSource {
  /** While one runs. */
  readonly vm: Vm | undefined;
  readonly settings: Settings;
  /** Another machine, another state of it. @returns a function that ends the listening */
  onChange(listener: () => void): () => void;
  /** Starts another machine in place of the one that there is. */
  restart(change: Partial<Settings>): Promise<Vm>;
}

/** Services of the page for a view. */
export interface PageServices {
  readonly machine: MachineSource;
  /** Says something to those who cannot see it. */
  announce(text: string): void;
  /** Types at the console. */
  type(text: string): void;
  openView(id: string): void;
}

/** A view that is there. */
export interface MountedView {
  /** It can be seen, or cannot: then it draws nothing. */
  setVisible?(isVisible: boolean): void;
  dispose(): void;
}

/** A view of the page beside the terminal. Its module is loaded when somebody opens it. */
export interface View {
  readonly id: string;
  readonly title: string;
  /** @param container it fills that, whatever its size is */
  mount(container: HTMLElement, page: PageServices): Promise<MountedView>;
}
