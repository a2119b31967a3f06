/**
 * A function of the program's own that is told of one thing after the other. It may be asynchronous: it is told of the
 * next thing when it is done with the one before, and not any more once it has failed.
 */
export class Listener<T> {
  readonly #listen: (value: T) => unknown;
  #last: Promise<void> | undefined;

  constructor(listen: (value: T) => unknown) {
    this.#listen = listen;
  }

  /** @returns undefined where it is done already; otherwise a promise, which fails with the error of the function */
  tell(value: T): Promise<void> | undefined {
    if (this.#last !== undefined) return this.#wait(this.#last.then(() => this.#listen(value)));
    try {
      const answer = this.#listen(value);
      return isThenable(answer) ? this.#wait(Promise.resolve(answer)) : undefined;
    } catch (error) {
      return this.#wait(Promise.reject(error));
    }
  }

  /** As {@link tell} gives it, for all that it was told so far. */
  get heard(): Promise<void> | undefined {
    return this.#last;
  }

  #wait(answer: Promise<unknown>): Promise<void> {
    const last = answer.then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    this.#last = last;
    return last;
  }
}

/** Also a promise of another realm, or of a library. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
