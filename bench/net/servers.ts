import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A kind of traffic, and how much of it there is. */
export interface Traffic {
  readonly name: string;
  readonly about: string;
  /** Connections of the guest: at the same time, or one after the other. */
  readonly connections: number;
  /** The guest's commands; `$port` is the port of this kind's server, `$host` the host's address. */
  readonly script: string;
  /** The server's part in each connection, which ends when the guest ends it. */
  serve(socket: Socket): void;
}

const BULK = 16 << 20;
const ROUNDS = 400;
const CONNECTIONS = 60;
const CHUNK = Buffer.alloc(1 << 18, 'hartvisor');

const receive = (streams: number): Traffic => ({
  name: `receive${streams}`,
  about: `TCP to the guest, ${streams === 1 ? 'one stream' : `${streams} streams`}`,
  connections: streams,
  script: `for stream in $(seq ${streams}); do nc $host $port < /dev/null > /dev/null & done; wait`,
  serve: (socket) => {
    let left = BULK / streams;
    const more = () => {
      while (left > 0) {
        left -= CHUNK.length;
        if (!socket.write(CHUNK)) return;
      }
      socket.end();
    };
    socket.on('drain', more);
    more();
  },
});

const send = (streams: number): Traffic => ({
  name: `send${streams}`,
  about: `TCP from the guest, ${streams === 1 ? 'one stream' : `${streams} streams`}`,
  connections: streams,
  script:
    `for stream in $(seq ${streams}); do ` +
    `dd if=/dev/zero bs=64k count=${BULK / streams / 65536} 2>/dev/null | nc $host $port > /dev/null & done; wait`,
  serve: (socket) => {
    socket.on('end', () => socket.end());
  },
});

/** All that is measured, in this order. */
export const TRAFFIC: readonly Traffic[] = [
  receive(1),
  receive(4),
  send(1),
  send(4),
  {
    name: 'rounds',
    about: `${ROUNDS} requests of one byte and their answers, one after the other`,
    connections: 1,
    script: 'rm -f /tmp/fifo; mkfifo /tmp/fifo; nc $host $port < /tmp/fifo | cat > /tmp/fifo',
    serve: (socket) => {
      let left = ROUNDS;
      socket.setNoDelay(true).write('x');
      socket.on('data', () => (--left > 0 ? socket.write('x') : socket.end()));
    },
  },
  {
    name: 'connections',
    about: `${CONNECTIONS} connections, each by a process of its own`,
    connections: CONNECTIONS,
    script: `for each in $(seq ${CONNECTIONS}); do nc $host $port < /dev/null > /dev/null; done`,
    serve: (socket) => {
      socket.end('hello\n');
    },
  },
];

/** Servers on this host's loopback address, one for each kind of traffic, which measure how long it takes. */
export class Servers {
  readonly #servers: Server[] = [];
  readonly #ports = new Map<string, number>();
  /** Seconds from the first connection to the end of the last one, by kind. */
  readonly seconds = new Map<string, number>();

  async open(): Promise<void> {
    for (const traffic of TRAFFIC) {
      let begun = 0;
      let done = 0;
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        if (done === 0 && begun === 0) begun = performance.now();
        // A client that is given up resets its connections.
        socket.on('error', () => undefined);
        socket.on('data', () => undefined);
        socket.on('close', () => {
          done++;
          if (done === traffic.connections)
            this.seconds.set(traffic.name, (performance.now() - begun) / 1000);
        });
        traffic.serve(socket);
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      this.#servers.push(server);
      this.#ports.set(traffic.name, (server.address() as AddressInfo).port);
    }
  }

  portOf({ name }: Traffic): number {
    return this.#ports.get(name) ?? 0;
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }
}
