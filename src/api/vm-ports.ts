import { PORT } from '../agent/arguments.ts';
import type { GuestSocket } from '../agent/tcp.ts';
import { checkArgument, checkOptions, type OptionRules, TEXT, whole } from '../errors/arguments.ts';
import { MachineEndedError } from '../errors/machine-ended-error.ts';
import type { OpenForward, Platform } from './platform.ts';

/** Where a forwarded port is on the host. */
export interface ForwardOptions {
  /** An address of the host: 127.0.0.1 unless it is given. */
  readonly host?: string;
  /** Of the host: one that is free, unless it is given. */
  readonly port?: number;
}

const FORWARD_OPTIONS: OptionRules<ForwardOptions> = { host: TEXT, port: whole(0, 0xffff) };

/** Servers of the guest on the host, by the guest's agent: the guest needs no network. */
export class VmPorts {
  readonly #platform: Pick<Platform, 'listen'>;
  readonly #connect: (port: number) => Promise<GuestSocket>;
  readonly #open = new Set<OpenForward>();
  #hasEnded = false;

  /** @param connect to a server in the guest */
  constructor(platform: Pick<Platform, 'listen'>, connect: (port: number) => Promise<GuestSocket>) {
    this.#platform = platform;
    this.#connect = connect;
  }

  /**
   * Has a port of the host lead to one of the guest, until it is closed or the machine has ended. A connection to it
   * is closed at once where nobody listens in the guest.
   *
   * @throws InputError for ports that cannot be, or if that of the host cannot be had; MachineEndedError
   */
  async forward(guestPort: number, options: ForwardOptions = {}): Promise<OpenForward> {
    checkArgument('guestPort', guestPort, PORT);
    checkOptions(options, FORWARD_OPTIONS);
    const { host = '127.0.0.1', port = 0 } = options;
    const forward = await this.#platform.listen(host, port, () => this.#connect(guestPort));
    if (this.#hasEnded) {
      forward.close();
      throw new MachineEndedError('The machine has ended, so that no port leads to it.');
    }
    this.#open.add(forward);
    return forward;
  }

  /** The machine has ended. */
  close(): void {
    this.#hasEnded = true;
    for (const forward of this.#open) forward.close();
    this.#open.clear();
  }
}
