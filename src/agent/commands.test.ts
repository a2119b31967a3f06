import { afterEach, describe, expect, test, vi } from 'vitest';
import { Commands, type RunOptions } from './commands.ts';
import { AgentConnection } from './connection.ts';
import { Files } from './files/files.ts';
import { encodeFrame } from './frame.ts';
import { helloPayload } from './hello.ts';
import { WINDOW } from './incoming.ts';
import { PayloadWriter } from './payload.ts';
import { CHANNEL, FRAME, type FrameType, PROTOCOL } from './protocol.ts';
import { connectTcp } from './tcp.ts';
import { openTerminal } from './terminal.ts';

afterEach(() => {
  vi.useRealTimers();
});

const { HEADER_BYTES, ALIGNMENT } = PROTOCOL;

/** Types of the frames in the bytes that an agent gets. */
function typesOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const types: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    types.push(view.getUint8(at + 8));
    at += HEADER_BYTES + Math.ceil(view.getUint32(at, true) / ALIGNMENT) * ALIGNMENT;
  }
  return types;
}

/** Commands of a guest whose agent is this test. */
function guest() {
  const connection = new AgentConnection();
  const sent: Uint8Array[] = [];
  const attach = () => {
    connection.attach({ input: (bytes) => sent.push(bytes.slice()) && bytes.length });
    connection.opened(true);
  };
  const greet = () =>
    connection.output(encodeFrame(0, FRAME.HELLO, helloPayload({ version: PROTOCOL.VERSION, pid: 7 })));
  const count = (type: number) => typesOf(Buffer.concat(sent)).filter((each) => each === type).length;
  return { commands: new Commands(connection), connection, attach, greet, count };
}

test('the time of a command begins with it, however long its guest boots', async () => {
  vi.useFakeTimers();
  const { commands, attach, greet, count } = guest();
  let error: unknown;
  const late = commands.run('true', { timeoutMs: 300 }).catch((reason: unknown) => {
    error = reason;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(error).toBeUndefined();
  attach();
  greet();
  await vi.advanceTimersByTimeAsync(299);
  expect([count(FRAME.RUN), count(FRAME.SIGNAL)]).toEqual([1, 0]);
  await vi.advanceTimersByTimeAsync(1);
  expect(count(FRAME.SIGNAL)).toBe(1);
  await vi.advanceTimersByTimeAsync(2000);
  expect(count(FRAME.SIGNAL)).toBe(2);
  expect(error).toBeUndefined();
  await vi.advanceTimersByTimeAsync(2000);
  await late;
  expect(error).toMatchObject({ code: 'timeout', message: 'The command "true" took more than 300 ms.' });
});

test('a signal ends the wait for a guest that does not come', async () => {
  const { commands } = guest();
  const running = commands.run('true', { timeoutMs: 300, signal: AbortSignal.abort(new Error('enough')) });
  await expect(running).rejects.toThrow('enough');
  const end = new AbortController();
  const waiting = commands.run('true', { signal: end.signal });
  end.abort(new Error('too late'));
  await expect(waiting).rejects.toThrow('too late');
});

test('nothing is started, or asked for, for a caller who gives up at once', async () => {
  const { commands, connection, attach, greet, count } = guest();
  attach();
  greet();
  await connection.ready();
  for (const call of [
    (signal: AbortSignal) => commands.run('true', { signal }),
    (signal: AbortSignal) => commands.start('true', { signal }),
    (signal: AbortSignal) => openTerminal(connection, { signal }),
    (signal: AbortSignal) => connectTcp(connection, 80, { signal }),
    (signal: AbortSignal) => new Files(connection).remove('/tmp', { recursive: true, signal }),
    (signal: AbortSignal) => new Files(connection).write('/tmp/a', 'a', { signal }),
    (signal: AbortSignal) => new Files(connection).read('/tmp/a', { signal }),
    (signal: AbortSignal) => new Files(connection).watch('/tmp', { signal }),
  ]) {
    const controller = new AbortController();
    const called = call(controller.signal);
    controller.abort(new Error('enough'));
    await expect(called).rejects.toThrow('enough');
  }
  const requests = [FRAME.RUN, FRAME.CONNECT, FRAME.REMOVE, FRAME.WRITE, FRAME.READ, FRAME.WATCH];
  expect(requests.map(count)).toEqual(requests.map(() => 0));
});

test.each([
  ['timeoutMs', Number.NaN],
  ['timeoutMs', -1],
  // JavaScript's timers would ring at once.
  ['timeoutMs', 3_000_000_000],
  ['maxOutputBytes', Number.NaN],
  ['maxOutputBytes', -1],
])('%s of %d is refused', async (name, value) => {
  const { commands, attach, greet, count } = guest();
  attach();
  greet();
  const run = commands.run('true', { [name]: value });
  await expect(run).rejects.toMatchObject({
    code: 'input',
    message: expect.stringContaining(`${name}: ${value} is not possible: give a number, 0 to `),
  });
  expect(count(FRAME.RUN)).toBe(0);
});

test('options that do not exist are refused', async () => {
  const { commands, attach, greet } = guest();
  attach();
  greet();
  // As programs in JavaScript give them, which no compiler reads.
  const timeout: object = { timeout: 5 };
  await expect(commands.run('true', timeout)).rejects.toMatchObject({
    code: 'input',
    message: expect.stringContaining('timeout: there is no such option; give some of cwd, env,'),
  });
  const late: object = { timeoutMs: 5 };
  await expect(commands.start('true', late)).rejects.toThrow('timeoutMs: there is no such option');
});

/** A job whose guest says nothing more. */
async function startedJob() {
  const { commands, attach, greet, connection, count } = guest();
  attach();
  greet();
  const starting = commands.start('yes');
  await vi.waitFor(() => expect(count(FRAME.RUN)).toBe(1));
  connection.output(encodeFrame(1, FRAME.STARTED, new Uint8Array([7, 0, 0, 0])));
  return { job: await starting, connection, count };
}

test('a guest is told that an output is cancelled, and may go on if it does not know that', async () => {
  const { job, connection, count } = await startedJob();
  await job.stdout.cancel();
  expect([count(FRAME.DROP), count(FRAME.CREDIT)]).toEqual([1, 0]);
  // As an agent without that frame goes on.
  for (let sent = 0; sent < WINDOW; sent += 1024)
    connection.output(encodeFrame(1, FRAME.DATA, new Uint8Array(1024), CHANNEL.OUT));
  expect(count(FRAME.CREDIT)).toBe(2);
});

test('a job refuses signals that do not exist, and input that is no bytes', async () => {
  const { job, count } = await startedJob();
  for (const wrong of ['SIGNONE', 65, 0, null, {}, Symbol('s')])
    expect(() => job.kill(wrong as number)).toThrow(
      /^signal: .* is not possible: give a name such as SIGTERM, or a number, 1 to 64\.$/,
    );
  expect(count(FRAME.SIGNAL)).toBe(0);
  const text: unknown = 'a text';
  await expect(job.stdin.getWriter().write(text as Uint8Array)).rejects.toThrow(
    'A piece of the input: "a text" is not possible: give bytes (a Uint8Array).',
  );
  expect(count(FRAME.DATA)).toBe(0);
});

test('an error of a listener kills its command, and is that of the call', async () => {
  const { commands, attach, greet, connection, count } = guest();
  attach();
  greet();
  const running = commands.run('yes', {
    onStdout: () => {
      throw new Error('mine');
    },
  });
  await vi.waitFor(() => expect(count(FRAME.RUN)).toBe(1));
  const say = () => connection.output(encodeFrame(1, FRAME.DATA, new Uint8Array([65]), CHANNEL.OUT));
  say();
  say();
  await expect(running).rejects.toThrow('mine');
  expect(count(FRAME.SIGNAL)).toBe(1);
});

/** A command that runs, with the output of its guest. */
async function runningWith(options: RunOptions) {
  const { commands, attach, greet, connection, count } = guest();
  attach();
  greet();
  const running = commands.run('yes', options);
  await vi.waitFor(() => expect(count(FRAME.RUN)).toBe(1));
  const say = (text: string) =>
    connection.output(encodeFrame(1, FRAME.DATA, new TextEncoder().encode(text), CHANNEL.OUT));
  const send = (type: FrameType, ...numbers: readonly number[]) =>
    connection.output(
      encodeFrame(
        1,
        type,
        numbers.reduce((writer, number) => writer.u32(number), new PayloadWriter()).payload,
      ),
    );
  const end = () => {
    send(FRAME.EXITED, 0, 0, 0, 0);
    send(FRAME.DONE, 0);
  };
  send(FRAME.STARTED, 8);
  return { running, say, end, count };
}

test('an error of an asynchronous listener kills its command, and is that of the call', async () => {
  const { running, say, count } = await runningWith({ onStdout: () => Promise.reject(new Error('mine')) });
  say('a');
  say('b');
  await expect(running).rejects.toThrow('mine');
  expect(count(FRAME.SIGNAL)).toBe(1);
});

test('an asynchronous listener that fails behind the end of its command fails the call', async () => {
  const answer = Promise.withResolvers<void>();
  const { running, say, end, count } = await runningWith({ onStdout: () => answer.promise });
  say('a');
  end();
  answer.reject(new Error('mine'));
  await expect(running).rejects.toThrow('mine');
  expect(count(FRAME.SIGNAL)).toBe(0);
});

test('an asynchronous listener is told of one text after the other, holds the guest back, and is waited for', async () => {
  const texts: string[] = [];
  const answers: PromiseWithResolvers<void>[] = [];
  const onStdout = (text: string) => {
    texts.push(text);
    const answer = Promise.withResolvers<void>();
    answers.push(answer);
    return answer.promise;
  };
  const { running, say, end, count } = await runningWith({ onStdout });
  say('a');
  say('b');
  expect([texts, count(FRAME.CREDIT)]).toEqual([['a'], 0]);
  answers[0].resolve();
  await vi.waitFor(() => expect(texts).toEqual(['a', 'b']));
  expect(count(FRAME.CREDIT)).toBe(1);
  end();
  let isOver = false;
  void running.then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  answers[1].resolve();
  expect(await running).toMatchObject({ exitCode: 0, stdout: 'ab' });
});

test('a signal ends the wait for a listener', async () => {
  const controller = new AbortController();
  const { running, say, end } = await runningWith({
    onStdout: () => new Promise(() => undefined),
    signal: controller.signal,
  });
  say('a');
  end();
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
});

test.each<[string, (commands: Commands) => Promise<unknown>]>([
  ['run', (commands) => commands.run('x'.repeat(1 << 20))],
  ['start', (commands) => commands.start(['echo', 'x'.repeat(1 << 20)])],
  ['run with variables', (commands) => commands.run('true', { env: { A: 'x'.repeat(1 << 20) } })],
])('%s refuses more words than a guest takes before there is one', async (_, call) => {
  // Nobody has greeted.
  await expect(call(guest().commands)).rejects.toThrow(
    'The arguments and the environment have more than 131072 bytes. Put them into a file.',
  );
});

describe('a command that reads no more of its input', () => {
  /** Its agent has told that, and then by `end` how the command has ended. */
  async function started(stdin: string | ReadableStream<Uint8Array>) {
    const { commands, connection, attach, greet, count } = guest();
    attach();
    greet();
    const running = commands.run('true', { stdin });
    await vi.waitFor(() => expect(count(FRAME.RUN)).toBe(1));
    const send = (type: FrameType, numbers: readonly number[], channel = 0) => {
      const payload = numbers.reduce((writer, number) => writer.u32(number), new PayloadWriter()).payload;
      connection.output(encodeFrame(1, type, payload, channel));
    };
    send(FRAME.STARTED, [8]);
    send(FRAME.END, [], CHANNEL.IN);
    const end = () => {
      send(FRAME.EXITED, [3, 0, 0, 0]);
      send(FRAME.DONE, [0]);
    };
    return { running, end, count };
  }

  test('goes on, and its end is that of run', async () => {
    const { running, end, count } = await started('x'.repeat(2 * PROTOCOL.INPUT_WINDOW));
    await new Promise(setImmediate);
    expect(count(FRAME.SIGNAL)).toBe(0);
    end();
    expect(await running).toMatchObject({ exitCode: 3, signal: undefined });
  });

  test('has the stream cancelled that it came from, also one with nothing to give', async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const silent = new ReadableStream<Uint8Array>({ cancel: cancelled.resolve });
    const { running, end } = await started(silent);
    expect(await cancelled.promise).toMatchObject({
      code: 'EPIPE',
      message: 'The command "true" reads nothing any more.',
    });
    end();
    expect(await running).toMatchObject({ exitCode: 3 });
  });
});
