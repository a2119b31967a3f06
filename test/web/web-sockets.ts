/** WebSockets (RFC 6455) as far as servers of tests need them: whole binary messages, without extensions. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const BINARY = 2;
const CLOSE = 8;

/** One connection, from the side of the server. */
export interface ServerSocket {
  send(bytes: Uint8Array): void;
  onMessage: (bytes: Uint8Array) => void;
}

/** A server on loopback. */
export interface SocketServer {
  readonly port: number;
  close(): void;
}

export async function serveSockets(onSocket: (socket: ServerSocket) => void): Promise<SocketServer> {
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('upgrade', ({ headers }, raw) => {
    const socket = raw as Socket;
    sockets.add(socket);
    socket.on('error', () => undefined);
    const key = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64');
    const protocol = headers['sec-websocket-protocol'];
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n` +
        `${protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`}\r\n`,
    );
    const own: ServerSocket = { send: (bytes) => socket.write(frameOf(bytes)), onMessage: () => undefined };
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      rest = Buffer.concat([rest, bytes]);
      for (let frame = takeFrame(rest); frame !== undefined; frame = takeFrame(rest)) {
        rest = rest.subarray(frame.end);
        if (frame.kind === CLOSE) socket.end();
        else own.onMessage(frame.content);
      }
    });
    onSocket(own);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function frameOf(content: Uint8Array): Buffer {
  const { length } = content;
  const head = length < 126 ? Buffer.alloc(2) : length < 2 ** 16 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = 0x80 | BINARY;
  head[1] = length < 126 ? length : length < 2 ** 16 ? 126 : 127;
  if (head.length === 4) head.writeUInt16BE(length, 2);
  else if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, content]);
}

/** A frame of a browser, whose bytes are masked. */
function takeFrame(bytes: Buffer) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  const at = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < at + 4) return undefined;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const start = at + 4;
  if (bytes.length < start + length) return undefined;
  const content = Uint8Array.from(
    bytes.subarray(start, start + length),
    (byte, index) => byte ^ bytes[at + (index % 4)],
  );
  return { kind: bytes[0] & 0xf, content, end: start + length };
}

/**
 * A server that speaks Wisp 1, and lets nobody but one port of this host be reached, whatever its name.
 *
 * @param asked gets the names that were asked for
 */
export function serveWisp(port: number, asked: string[]): Promise<SocketServer> {
  return serveSockets((socket) => {
    const streams = new Map<number, Socket>();
    const send = (kind: number, id: number, data: Uint8Array) => {
      const packet = Buffer.alloc(5 + data.length);
      packet[0] = kind;
      packet.writeUInt32LE(id, 1);
      packet.set(data, 5);
      socket.send(packet);
    };
    socket.onMessage = (bytes) => {
      const packet = Buffer.from(bytes);
      const id = packet.readUInt32LE(1);
      if (packet[0] === 1) {
        asked.push(`${packet.subarray(8).toString()}:${packet.readUInt16LE(6)}`);
        const stream = connect(port, '127.0.0.1');
        streams.set(id, stream);
        stream.on('data', (data) => send(2, id, data));
        stream.on('error', () => send(4, id, Uint8Array.of(0x44)));
        stream.on('end', () => send(4, id, Uint8Array.of(2)));
      } else if (packet[0] === 2) {
        streams.get(id)?.write(packet.subarray(5));
        send(3, id, Uint8Array.of(8, 0, 0, 0));
      } else streams.get(id)?.destroy();
    };
    send(3, 0, Uint8Array.of(8, 0, 0, 0));
  });
}

/** A server that passes each message on to all others. */
export function serveRelay(): Promise<SocketServer> {
  const all = new Set<ServerSocket>();
  return serveSockets((socket) => {
    all.add(socket);
    socket.onMessage = (bytes) => {
      for (const other of all) if (other !== socket) other.send(bytes);
    };
  });
}
