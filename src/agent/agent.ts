import type { Abortable } from './arguments.ts';
import { Commands } from './commands.ts';
import { AgentConnection } from './connection.ts';
import { Files } from './files/files.ts';
import type { LocalFolders } from './files/tree.ts';
import { GuestSystem } from './guest-system.ts';
import { connectTcp, type GuestSocket } from './tcp.ts';
import { type GuestTerminal, openTerminal, type TerminalOptions } from './terminal.ts';

/** The agent in a guest, and all its services. */
export class GuestAgent {
  /** For the port that leads to the agent. */
  readonly connection: AgentConnection;
  readonly commands: Commands;
  readonly files: Files;
  readonly system: GuestSystem;

  /**
   * @param hold keeps the program running until the function that it gives is called
   * @param folders of the host, for trees of files
   */
  constructor(hold: () => () => void = () => () => undefined, folders?: LocalFolders) {
    this.connection = new AgentConnection(hold);
    this.commands = new Commands(this.connection);
    this.files = new Files(this.connection, folders);
    this.system = new GuestSystem(this.connection);
  }

  /** Opens a terminal. @throws AgentError if it, or its program, cannot be had; the reason of its signal */
  async terminal(options: TerminalOptions = {}): Promise<GuestTerminal> {
    const release = this.connection.hold();
    return openTerminal(this.connection, options).finally(release);
  }

  /** Connects to a server in the guest. @throws AgentError if nobody listens at its port; the reason of `signal` */
  async tcp(port: number, options: Abortable = {}): Promise<GuestSocket> {
    const release = this.connection.hold();
    return connectTcp(this.connection, port, options).finally(release);
  }
}
