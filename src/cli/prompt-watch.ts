const ESCAPE = String.fromCharCode(27);
/** The prompt of the shell in the guest that hartvisor brings, and the question for the cursor's place behind it. */
const PROMPT = new RegExp(`~ # (?:${ESCAPE}\\[6n)?$`);
/** The answer of a terminal to that question: nobody has typed it. */
const ANSWER = new RegExp(`^(?:${ESCAPE}\\[\\d+;\\d+R)*$`);
const KEPT = 64;
/** Milliseconds in which the guest comes to rest behind its prompt. */
const REST_MS = 300;

/** Tells once when a guest's shell waits for its first command, unless somebody has typed before. */
export class PromptWatch {
  readonly #onPrompt: () => void;
  #tail = '';
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(onPrompt: () => void) {
    this.#onPrompt = onPrompt;
  }

  /** The guest has written something. */
  see(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#tail = (this.#tail + Buffer.from(bytes).toString('latin1')).slice(-KEPT);
    clearTimeout(this.#timer);
    if (!PROMPT.test(this.#tail)) return;
    this.#timer = setTimeout(() => {
      this.#over = true;
      this.#onPrompt();
    }, REST_MS).unref();
  }

  /** Something comes from the terminal. */
  type(bytes: Uint8Array): void {
    if (this.#over || ANSWER.test(Buffer.from(bytes).toString('latin1'))) return;
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
