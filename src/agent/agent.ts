import { Commands } from './commands.ts';
import { AgentConnection } from './connection.ts';

/** What the agent in a guest can be asked for. */
export class GuestAgent {
  /** For the port that leads to the agent. */
  readonly connection: AgentConnection;
  readonly commands: Commands;

  /** @param hold keeps the program running until the function that it gives is called */
  constructor(hold: () => () => void = () => () => undefined) {
    this.connection = new AgentConnection(hold);
    this.commands = new Commands(this.connection, hold);
  }
}
