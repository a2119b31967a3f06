import type { Vm } from 'hartvisor/web';
import type { Screen, ScreenSize } from './screen.ts';

/** Milliseconds that the guest has to take a size, which nobody waits for. */
const PATIENCE_MS = 20_000;
/** Milliseconds that the shell has for its prompt before the guest is told the size all the same. */
const PROMPT_MS = 2_000;
const NEWLINE = 0x0a;

/** The serial console of a machine at a screen. */
export class ConsoleLink {
  readonly #vm: Vm;
  readonly #screen: Screen;
  readonly #abort = new AbortController();
  readonly #prompted = Promise.withResolvers<void>();
  #sizing: Promise<void>;

  /** @param isWarm the machine has booted before: its shell is asked for its prompt, which nobody has seen */
  constructor(vm: Vm, screen: Screen, isWarm: boolean) {
    this.#vm = vm;
    this.#screen = screen;
    // The end of the machine is told by others.
    this.#show().catch(() => undefined);
    this.#sizing = isWarm ? this.#prompt() : Promise.resolve();
    this.resize(screen.size);
  }

  type(text: string): void {
    this.#vm.console.write(text).catch(() => undefined);
  }

  /** A serial port has no size: the agent tells the guest's driver, which tells the program. */
  resize({ cols, rows }: ScreenSize): void {
    this.#sizing = this.#sizing.then(() => this.#setSize(cols, rows)).catch(() => undefined);
  }

  close(): void {
    this.#abort.abort();
  }

  /**
   * Asks the shell for its prompt, and waits for it: the program that sets the size would take the guest's first
   * moments from the shell.
   */
  #prompt(): Promise<void> {
    this.type('\r');
    setTimeout(this.#prompted.resolve, PROMPT_MS);
    return this.#prompted.promise;
  }

  /** The machine has one reader. Another page's terminal may have been it until now. */
  async #show(): Promise<void> {
    await this.#screen.show(this.#vm.console.output, this.#abort.signal, (bytes) => {
      // Of an echo the last byte is one.
      if (bytes.at(-1) !== NEWLINE) this.#prompted.resolve();
    });
  }

  async #setSize(cols: number, rows: number): Promise<void> {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const command = ['stty', '-F', '/dev/ttyS0', 'cols', String(cols), 'rows', String(rows)];
    await this.#vm.commands.run(command, { signal });
  }
}
