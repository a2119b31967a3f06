/** A line of the kernel is shorter; longer ones are of no interest. */
const longestLine = 2048;
/**
 * A panicked kernel prints its CPUs' registers and resets. A panic further up is one that somebody read in an old log.
 */
const linesOfPanic = 400;
/** Time stamp and, with CONFIG_PRINTK_CALLER, the thread in front of a kernel's message. */
const prefix = String.raw`^(?:\[[^\]]*\] *)*`;
/* Both lines: kernel/panic.c, vpanic(). */
const panicLine = new RegExp(`${prefix}Kernel panic - not syncing: *(.*)$`);
const panicEnd = new RegExp(`${prefix}---\\[ end Kernel panic - not syncing`);

/** Watches the console of a Linux guest for a panic: a panicked kernel cannot tell otherwise. */
export class PanicWatch {
  readonly #decoder = new TextDecoder('latin1');
  #line = '';
  #reason: string | undefined;
  #linesSince = 0;
  #lastLineIsEnd = false;

  /** The reason that the kernel gave; undefined while it has not panicked. */
  get reason(): string | undefined {
    return this.#linesSince <= linesOfPanic ? this.#reason : undefined;
  }

  /** Whether the kernel's last word is the last thing that was printed: with `panic=0` it does nothing more. */
  get halted(): boolean {
    return this.#lastLineIsEnd && this.#line === '';
  }

  /** Looks at the next piece of the console's output. */
  see(bytes: Uint8Array): void {
    const lines = (this.#line + this.#decoder.decode(bytes)).split('\n');
    this.#line = (lines.pop() ?? '').trimStart().slice(-longestLine);
    for (const line of lines) this.#seeLine(line.trim());
  }

  #seeLine(line: string): void {
    if (line === '') return;
    this.#lastLineIsEnd = panicEnd.test(line);
    this.#linesSince++;
    const reason = panicLine.exec(line)?.[1];
    if (reason === undefined || this.reason !== undefined) return;
    this.#reason = reason;
    this.#linesSince = 0;
  }
}
