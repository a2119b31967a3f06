import type { AgentConnection } from '../agent/connection.ts';
import type { Machine } from '../machine/machine.ts';

/** The session's part of a guest that has an agent, and of which an image may be made. */
export interface WarmGuest {
  readonly agent: AgentConnection;
  /** The guest's shell waits for its first command, and nobody has typed anything. */
  readonly onPrompt?: (machine: Machine) => void;
}
