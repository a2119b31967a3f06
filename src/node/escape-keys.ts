/** Commands to hartvisor itself that a person can type at the guest's console. */
export type ConsoleCommand = 'quit' | 'help' | 'save' | 'suspend';

/** Ctrl-A, as in QEMU and screen. */
const controlA = 0x01;

const keys: Readonly<Record<string, ConsoleCommand>> = {
  ...{ x: 'quit', X: 'quit' },
  ...{ h: 'help', H: 'help', '?': 'help' },
  ...{ s: 'save', S: 'save' },
  ...{ z: 'suspend', Z: 'suspend' },
};
/** The same by the byte of the key. */
const commandOf = new Map(Object.entries(keys).map(([key, command]) => [key.charCodeAt(0), command]));

/** Text that answers Ctrl-A h. */
export const escapeHelp = [
  'Ctrl-A x       quit hartvisor',
  'Ctrl-A s       save the machine to the file of --save',
  'Ctrl-A z       the same, and quit',
  'Ctrl-A h       this help',
  'Ctrl-A Ctrl-A  send Ctrl-A to the guest',
].join('\n');

/** Some input after {@link EscapeKeys.take}. */
export interface KeyedInput {
  /** Bytes for the guest; none of those behind a quit. */
  readonly guest: Uint8Array;
  /** In their order; one that comes several times in a row is there once, so that a flood makes no long list. */
  readonly commands: readonly ConsoleCommand[];
}

/**
 * Takes the keys that are meant for hartvisor out of the guest's input: Ctrl-A, then one key. A pair may be torn
 * apart between two pieces of input. Ctrl-A before any other key drops both, as QEMU does.
 */
export class EscapeKeys {
  #escaped = false;

  take(bytes: Uint8Array): KeyedInput {
    if (!this.#escaped && !bytes.includes(controlA)) return { guest: bytes, commands: [] };
    const guest = new Uint8Array(bytes.length);
    let length = 0;
    const commands: ConsoleCommand[] = [];
    for (const byte of bytes) {
      const escaped = this.#escaped;
      this.#escaped = !escaped && byte === controlA;
      if (this.#escaped) continue;
      if (!escaped || byte === controlA) {
        guest[length++] = byte;
        continue;
      }
      const command = commandOf.get(byte);
      if (command !== undefined && command !== commands.at(-1)) commands.push(command);
      if (command === 'quit') break;
    }
    return { guest: guest.subarray(0, length), commands };
  }
}
