/** The side of a network that the threads of a machine load; its I/O thread opens it. */
import type { NetworkCallbacks, OpenNetwork, WorkerHost } from '../../machine/thread.ts';
import { FrameCable } from '../../network/frame-cable.ts';
import { type HostNetwork, hostClock } from '../../network/host.ts';
import { UserNetwork, type UserNetworkOptions } from '../../network/user-network.ts';
import { ChannelWire, type MessageWire, SocketWire } from './message-wire.ts';
import type { NetworkStart } from './network-start.ts';
import { FetchHosts, WispHosts } from './page-hosts.ts';
import { WispClient } from './wisp.ts';

/** Gives a thread the machine's network. */
export function extendHost(start: NetworkStart): Partial<WorkerHost> {
  return { openNetwork: (callbacks) => openNetwork(start, callbacks) };
}

function openNetwork(start: NetworkStart, callbacks: NetworkCallbacks): OpenNetwork {
  switch (start.kind) {
    case 'fetch':
      return userNetworkOver(
        start.options,
        new FetchHosts(start.scheme, callbacks.notice),
        callbacks,
        () => undefined,
      );
    case 'wisp': {
      const client = new WispClient();
      const wire = new SocketWire(start.url, {
        opened: () => client.opened({ send: (packet) => wire.send(packet) }),
        received: (packet) => client.receive(packet),
        lost: () => client.lost('reset'),
        notice: callbacks.notice,
      });
      return userNetworkOver(start.options, new WispHosts(client), callbacks, () => wire.close());
    }
    case 'relay':
      return cableOver(callbacks, (received) => {
        const nothing = () => undefined;
        return new SocketWire(start.url, {
          opened: nothing,
          received,
          lost: nothing,
          notice: callbacks.notice,
        });
      });
    case 'link':
      return cableOver(callbacks, (received) => new ChannelWire(start.name, { received }));
  }
}

function userNetworkOver(
  options: UserNetworkOptions,
  host: HostNetwork,
  { ready }: NetworkCallbacks,
  close: () => void,
): OpenNetwork {
  const network = new UserNetwork(options, { host, clock: hostClock, ready });
  return {
    dropped: network.dropped,
    send: (frame, open) => network.send(frame, open),
    peek: (taker) => network.peek(taker),
    shift: () => network.shift(),
    save: () => network.save(),
    restore: (saved) => network.restore(saved),
    turn,
    end: () => {
      network.end();
      close();
    },
  };
}

function cableOver(
  { ready }: NetworkCallbacks,
  open: (received: (frame: Uint8Array) => void) => MessageWire,
): OpenNetwork {
  const cable: FrameCable = new FrameCable((frame) => void wire.send(frame), ready);
  const wire = open((frame) => cable.receive(frame));
  return {
    dropped: cable.dropped,
    send: (frame, checksum) => cable.send(frame, checksum),
    peek: () => cable.peek(),
    shift: () => cable.shift(),
    turn,
    end: () => wire.close(),
  };
}

const { port1, port2 } = new MessageChannel();

/** Lets the events of this thread happen: timers of browsers wait for 4 ms at least, and messages for nothing. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    port1.onmessage = () => resolve();
    port2.postMessage(undefined);
  });
}
