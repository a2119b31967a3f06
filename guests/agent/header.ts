import {
  AGENT_PORT,
  CHANNEL,
  FRAME,
  PATH_FLAG,
  PROTOCOL,
  RUN_FLAG,
  STAGE,
  WRITE_FLAG,
} from '../../src/agent/protocol.ts';

const GROUPS = {
  PROTOCOL,
  FRAME,
  CHANNEL,
  RUN: RUN_FLAG,
  STAGE,
  WRITE: WRITE_FLAG,
  PATH: PATH_FLAG,
} as const;

/** The protocol's numbers for C, from where they are declared. */
export function protocolHeader(): string {
  const lines = Object.entries(GROUPS).map(([group, values]) => {
    const entries = Object.entries(values).map(([name, value]) => `  ${group}_${name} = ${value},`);
    return `enum {\n${entries.join('\n')}\n};`;
  });
  return `/* Made from src/agent/protocol.ts by guests/agent/build.ts, which says what they mean. */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#define AGENT_PORT "${AGENT_PORT}"

${lines.join('\n\n')}

#endif
`;
}
