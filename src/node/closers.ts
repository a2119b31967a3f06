/** The open parts of a machine, to be closed in the opposite order. */
export class Closers {
  readonly #closers: (() => void)[] = [];

  /** Takes a function that closes something. */
  add(close: () => void): void {
    this.#closers.push(close);
  }

  /** Closes everything that is open, once. */
  readonly close = (): void => {
    for (const close of this.#closers.splice(0).reverse()) close();
  };
}

/** Opens things, and closes those that are open where one of them cannot be opened. */
export async function opening<T>(work: (closers: Closers) => Promise<T>): Promise<T> {
  const closers = new Closers();
  try {
    return await work(closers);
  } catch (error) {
    closers.close();
    throw error;
  }
}
