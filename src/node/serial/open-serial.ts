import { createReadStream, createWriteStream, existsSync, openSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import { InputError } from '../../errors/input-error.ts';
import { closeAtExit } from '../close-at-exit.ts';
import type { TerminalStreams } from '../terminal.ts';
import { SocketLine } from './socket-line.ts';

/** Where a serial port leads that is not on hartvisor's own terminal. */
export type SerialPlace =
  | { readonly kind: 'null' }
  /** Output of the guest; nothing comes back. */
  | { readonly kind: 'file'; readonly path: string }
  /** Two FIFOs, `path.in` and `path.out`, or one file for both ways. */
  | { readonly kind: 'pipe'; readonly path: string }
  | ({ readonly kind: 'socket'; readonly server: boolean; readonly wait: boolean } & SocketPlace);

/** A TCP port, or a socket in the file system. */
export type SocketPlace = { readonly host: string; readonly port: number } | { readonly path: string };

/** The streams of a serial port, until the process ends. */
type SerialStreams = Pick<TerminalStreams, 'input' | 'output'>;

/**
 * Opens the other end of a serial port.
 *
 * @param word - as it was typed, with its option, for people
 * @param tell - of trouble later on; the guest runs on
 * @returns when the guest may start: a server that is to wait has its first connection then
 * @throws InputError with the reason
 */
export async function openSerial(
  place: SerialPlace,
  word: string,
  tell: (text: string) => void,
): Promise<SerialStreams> {
  try {
    switch (place.kind) {
      case 'null':
        return { input: nothing(), output: discard() };
      case 'file':
        return { input: nothing(), output: forgiving(writer(place.path, 'w'), word, tell) };
      case 'pipe':
        return openPipe(place.path, word, tell);
      case 'socket':
        return await openSocket(place, word, tell);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${word} cannot be opened: ${(error as Error).message}.`);
  }
}

function nothing(): Readable {
  return new Readable({ read: () => undefined });
}

function discard(): Writable {
  return new Writable({ write: (_bytes, _encoding, done) => done() });
}

function writer(path: string, flags: 'w' | 'r+'): Writable {
  // Opened here, so that a mistake is found before anything starts.
  return createWriteStream(path, { fd: openSync(path, flags) });
}

function openPipe(path: string, word: string, tell: (text: string) => void): SerialStreams {
  const both = [`${path}.in`, `${path}.out`];
  const [from, to] = both.every(existsSync) ? both : [path, path];
  if (!existsSync(from))
    throw new InputError(`${word}: there are no ${both.join(' and ')}. Make them: mkfifo ${both.join(' ')}`);
  // A FIFO that is open for both ways by ourselves neither waits for the other end, nor ends with it.
  const input = createReadStream(from, { fd: openSync(from, 'r+') });
  return { input, output: forgiving(writer(to, 'r+'), word, tell) };
}

async function openSocket(
  { server, wait, ...place }: Extract<SerialPlace, { kind: 'socket' }>,
  word: string,
  tell: (text: string) => void,
): Promise<SerialStreams> {
  const line = new SocketLine();
  if (!server) {
    line.attach(await connected(createConnection({ ...place, noDelay: true })));
    return line;
  }
  const listening = createServer({ noDelay: true }, (socket) => {
    // One terminal at a time, as QEMU has it.
    if (!line.attach(socket)) socket.destroy();
  });
  await started(listening, place);
  closeAtExit(listening);
  listening.on('error', (error) => tell(`${word}: ${error.message}.`));
  listening.unref();
  if (wait) {
    tell(`Waiting for a connection to ${word}.`);
    await line.attached;
  }
  return line;
}

async function connected(socket: Socket): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('connect', resolve);
  socket.once('error', reject);
  await promise;
  socket.off('error', reject);
  return socket;
}

async function started(server: Server, place: SocketPlace): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(place, resolve);
  await promise;
  server.off('error', reject);
}

/** A stream in front of another that may fail: from then on bytes are lost, and a person is told once. */
function forgiving(behind: Writable, word: string, tell: (text: string) => void): Writable {
  let failed = false;
  const fail = (error: Error) => {
    if (!failed) tell(`${word}: ${error.message}. From here on, what the guest writes is lost.`);
    failed = true;
  };
  behind.on('error', fail);
  return new Writable({
    write: (bytes: Uint8Array, _encoding, done) => {
      if (failed) done();
      else
        behind.write(bytes, (error) => {
          if (error) fail(error);
          done();
        });
    },
  });
}
