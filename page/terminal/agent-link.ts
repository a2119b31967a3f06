import type { GuestTerminal, Vm } from 'hartvisor/web';
import type { Screen, ScreenSize } from './screen.ts';

/** A terminal of its own in the guest, with a shell, at a screen. */
export class AgentLink {
  readonly #terminal: GuestTerminal;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();
  readonly #abort = new AbortController();

  private constructor(terminal: GuestTerminal, screen: Screen, onEnd: () => void) {
    this.#terminal = terminal;
    this.#input = terminal.input.getWriter();
    screen
      .show(terminal.output, this.#abort.signal)
      .catch(() => undefined)
      .finally(() => {
        if (!this.#abort.signal.aborted) onEnd();
      });
    terminal.exited.catch(() => undefined);
  }

  /**
   * @param onEnd the shell has ended
   * @throws AgentError where the guest has no agent, or none that has a terminal left
   */
  static async open(vm: Vm, screen: Screen, onEnd: () => void): Promise<AgentLink> {
    const terminal = await vm.terminal({ ...screen.size, env: { TERM: 'xterm-256color' } });
    return new AgentLink(terminal, screen, onEnd);
  }

  type(text: string): void {
    this.#input.write(this.#encoder.encode(text)).catch(() => undefined);
  }

  resize(size: ScreenSize): void {
    this.#terminal.resize(size);
  }

  /** Hangs up. */
  close(): void {
    this.#abort.abort();
    this.#terminal.kill();
  }
}
