/**
 * Calls something of the program's own whose error is none of the machine's: it is thrown apart, as that of any
 * listener to events, and the machine goes on.
 */
export function apart(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
