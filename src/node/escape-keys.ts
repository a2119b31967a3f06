/** Commands to hartvisor itself that a person can type at the guest's console. */
export type ConsoleCommand = 'quit' | 'help' | 'save' | 'suspend';

/** Ctrl-A, as in QEMU and screen. */
const controlA = 0x01;

const commands: Readonly<Record<string, ConsoleCommand>> = {
  x: 'quit',
  h: 'help',
  '?': 'help',
  s: 'save',
  z: 'suspend',
};

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
    const guest: number[] = [];
    const found: ConsoleCommand[] = [];
    for (const byte of bytes) {
      const command = this.#key(byte, guest);
      if (command !== undefined) found.push(command);
      if (command === 'quit') break;
    }
    return { guest: Uint8Array.from(guest), commands: found };
  }

  #key(byte: number, guest: number[]): ConsoleCommand | undefined {
    const escaped = this.#escaped;
    this.#escaped = !escaped && byte === controlA;
    if (this.#escaped) return undefined;
    if (!escaped || byte === controlA) {
      guest.push(byte);
      return undefined;
    }
    return commands[String.fromCharCode(byte).toLowerCase()];
  }
}
