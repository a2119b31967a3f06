import { expect, test } from 'vitest';
import { GuestAgent } from './agent.ts';
import { encodeFrame } from './frame.ts';
import { helloPayload } from './hello.ts';
import { FRAME, PROTOCOL } from './protocol.ts';

/** An agent that greets, and answers nothing. */
function quietAgent(): GuestAgent {
  const agent = new GuestAgent();
  agent.connection.attach({ input: (bytes) => bytes.length });
  agent.connection.opened(true);
  agent.connection.output(encodeFrame(0, FRAME.HELLO, helloPayload({ version: PROTOCOL.VERSION, pid: 7 })));
  return agent;
}

test.each([
  [{ cols: 0 }, 'cols: 0 is not possible: give a whole number, 1 to 65535.'],
  [{ rows: 65_536 }, 'rows: 65536 is not possible'],
  [{ cols: Number.NaN }, 'cols: NaN is not possible'],
  [{ rows: 24.5 }, 'rows: 24.5 is not possible'],
])('a terminal of %j is refused', async (size, text) => {
  await expect(quietAgent().terminal(size)).rejects.toMatchObject({
    code: 'input',
    message: expect.stringContaining(text),
  });
});
