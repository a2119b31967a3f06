import { type Ipv4, parseIpv4 } from '../../src/network/address.ts';
import { ARP_OPERATION, writeArp } from '../../src/network/arp.ts';
import { checksum, pseudoHeaderSum, sumOf } from '../../src/network/checksum.ts';
import { userNetwork } from '../../src/network/defaults.ts';
import {
  BROADCAST_MAC,
  ETHERNET_BYTES,
  ETHERTYPE,
  type Frame,
  writeEthernet,
} from '../../src/network/ethernet.ts';
import type { DatagramListener, HostNetwork, StreamListener } from '../../src/network/host.ts';
import { IPV4_BYTES, type Packet, PROTOCOL, readPacket, writePacketHead } from '../../src/network/ipv4.ts';
import { FLAG, readSegment, type Segment, TCP_CHECKSUM, writeHead } from '../../src/network/tcp/segment.ts';
import { readDatagram, writeDatagram } from '../../src/network/udp.ts';
import { UserNetwork, type UserNetworkOptions } from '../../src/network/user-network.ts';
import { ManualClock } from './manual-clock.ts';
import { ScriptedStream } from './scripted-stream.ts';

export function ip(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(`no address: ${text}`);
  return address;
}

export const GATEWAY = ip('10.0.2.2');
export const NAME_SERVER = ip('10.0.2.3');
export const GUEST = ip('10.0.2.15');
const ROUTER_MAC = 0x52_55_0a_00_02_02;
const TAKER = { openChecksums: false, longFrames: false } as const;

/** A host whose network does what a test says. */
class ScriptedHost implements HostNetwork {
  readonly connections: { address: Ipv4; port: number; listener: StreamListener; stream: ScriptedStream }[] =
    [];
  readonly sockets: { sent: number[][]; listener: DatagramListener; closed: boolean }[] = [];
  readonly names = new Map<string, readonly string[]>();

  connect(address: Ipv4, port: number, listener: StreamListener): ScriptedStream {
    const stream = new ScriptedStream();
    stream.listener = listener;
    this.connections.push({ address, port, listener, stream });
    return stream;
  }

  openDatagrams(_address: Ipv4, _port: number, listener: DatagramListener) {
    const socket = { sent: [] as number[][], listener, closed: false };
    this.sockets.push(socket);
    return {
      send: (data: Uint8Array) => void socket.sent.push([...data]),
      close: () => {
        socket.closed = true;
      },
    };
  }

  async resolve(name: string) {
    const addresses = this.names.get(name)?.map(ip);
    return addresses === undefined ? undefined : { addresses, seconds: 60 };
  }

  async query(message: Uint8Array): Promise<Uint8Array> {
    return message;
  }

  ownAddresses(): readonly Ipv4[] {
    return [LOOPBACK_AND_PUBLIC];
  }
}

/** A public address that the host has. */
const LOOPBACK_AND_PUBLIC = ip('198.51.101.7');

interface SynOptions {
  readonly port?: number;
  /** Makes the checksum wrong. */
  readonly damage?: boolean;
  /** The checksum is left open. */
  readonly open?: boolean;
}

/** A guest on a user-mode network, as far as tests need one: it makes frames, and reads those that come. */
export class Guest {
  readonly mac = 0x52_54_00_12_34_56;
  readonly clock = new ManualClock();
  readonly host = new ScriptedHost();
  readonly network: UserNetwork;

  constructor(options: Partial<UserNetworkOptions> = {}) {
    this.network = new UserNetwork(userNetwork(options), {
      host: this.host,
      clock: this.clock,
      ready: () => undefined,
    });
  }

  /** One good frame of each kind. */
  static samples(): Uint8Array[] {
    const samples: Uint8Array[] = [];
    const guest = new Guest();
    guest.network.send = (frame) => void samples.push(frame);
    guest.askFor(GATEWAY);
    guest.echo(GATEWAY, [1, 2, 3]);
    guest.datagram(ip('93.184.216.34'), 5000, 123, [1, 2, 3]);
    guest.dhcp(1);
    guest.syn(ip('93.184.216.34'), 80);
    guest.fragments(ip('93.184.216.34'), 5000, 123, new Uint8Array(100), [48]);
    guest.query('example.org', 1);
    return samples;
  }

  askFor(target: Ipv4): void {
    const request = { operation: ARP_OPERATION.REQUEST, senderMac: this.mac, sender: GUEST, target };
    this.network.send(writeArp(request, BROADCAST_MAC), undefined);
  }

  send(destination: Ipv4, protocol: number, payload: Uint8Array, open = false, source = GUEST): void {
    const frame = new Uint8Array(ETHERNET_BYTES + IPV4_BYTES + payload.length);
    writeEthernet(frame, ROUTER_MAC, this.mac, ETHERTYPE.IPV4);
    writePacketHead(frame, ETHERNET_BYTES, { source, destination, protocol }, IPV4_BYTES + payload.length);
    frame.set(payload, ETHERNET_BYTES + IPV4_BYTES);
    this.network.send(frame, open ? { start: 34, at: 50 } : undefined);
  }

  echo(destination: Ipv4, data: readonly number[]): void {
    const message = Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1, ...data);
    new DataView(message.buffer).setUint16(2, checksum(sumOf(message)));
    this.send(destination, PROTOCOL.ICMP, message);
  }

  datagram(
    destination: Ipv4,
    sourcePort: number,
    destinationPort: number,
    data: readonly number[],
    source = GUEST,
  ): void {
    const head = { source, destination, protocol: PROTOCOL.UDP };
    const datagram = writeDatagram(head, { sourcePort, destinationPort, data: Uint8Array.from(data) });
    this.send(destination, PROTOCOL.UDP, datagram, false, source);
  }

  /** The same in fragments, which are cut at these places of the packet's payload; the last one is sent first. */
  fragments(
    destination: Ipv4,
    sourcePort: number,
    destinationPort: number,
    data: Uint8Array,
    cuts: readonly number[],
  ): void {
    const head = { source: GUEST, destination, protocol: PROTOCOL.UDP };
    const payload = writeDatagram(head, { sourcePort, destinationPort, data });
    const places = [0, ...cuts, payload.length];
    const frames = places.slice(0, -1).map((from, index) => {
      const part = payload.subarray(from, places[index + 1]);
      const frame = new Uint8Array(ETHERNET_BYTES + IPV4_BYTES + part.length);
      writeEthernet(frame, ROUTER_MAC, this.mac, ETHERTYPE.IPV4);
      writePacketHead(frame, ETHERNET_BYTES, head, IPV4_BYTES + part.length);
      const view = new DataView(frame.buffer, ETHERNET_BYTES);
      view.setUint16(4, 77);
      view.setUint16(6, (from / 8) | (places[index + 1] < payload.length ? 0x2000 : 0));
      view.setUint16(10, 0);
      view.setUint16(10, checksum(sumOf(frame, ETHERNET_BYTES, ETHERNET_BYTES + IPV4_BYTES)));
      frame.set(part, ETHERNET_BYTES + IPV4_BYTES);
      return frame;
    });
    for (const frame of frames.reverse()) this.network.send(frame, undefined);
  }

  syn(
    destination: Ipv4,
    destinationPort: number,
    { port = 40_000, damage = false, open = false }: SynOptions = {},
  ): void {
    const segment = {
      ...{ sequence: 1000, acknowledged: 0, flags: FLAG.SYN, window: 64_000, parts: [], length: 0 },
      options: { segmentBytes: 1460, scale: 7 },
    };
    const bytes = new Uint8Array(28);
    writeHead(bytes, 0, [port, destinationPort], segment);
    const sum = checksum(sumOf(bytes, 0, 28, pseudoHeaderSum(GUEST, destination, PROTOCOL.TCP, 28)));
    new DataView(bytes.buffer).setUint16(TCP_CHECKSUM, damage ? sum ^ 1 : sum);
    this.send(destination, PROTOCOL.TCP, bytes, open);
  }

  dhcp(kind: number, requested = 0): void {
    const message = new Uint8Array(260);
    message.set([1, 1, 6, 0, 1, 2, 3, 4]);
    const view = new DataView(message.buffer);
    view.setUint16(28, Math.floor(this.mac / 2 ** 32));
    view.setUint32(30, this.mac % 2 ** 32);
    view.setUint32(236, 0x6382_5363);
    message.set([53, 1, kind, 50, 4], 240);
    view.setUint32(245, requested);
    message.set(requested === 0 ? [255] : [], 243);
    message[249] = 255;
    this.datagram(2 ** 32 - 1, 68, 67, [...message], 0);
  }

  dhcpAnswer() {
    const [answer] = this.datagrams();
    const view = new DataView(Uint8Array.from(answer.data).buffer);
    const options = new Map<number, number[]>();
    for (let at = 240; answer.data[at] !== 255 && at < answer.data.length; at += 2 + answer.data[at + 1])
      options.set(answer.data[at], answer.data.slice(at + 2, at + 2 + answer.data[at + 1]));
    return { kind: options.get(53)?.[0], address: view.getUint32(16), server: view.getUint32(20), options };
  }

  /** Asks for the addresses of a name. @returns the message */
  query(name: string, type: number): readonly number[] {
    const labels = name.split('.').flatMap((label) => [label.length, ...new TextEncoder().encode(label)]);
    const query = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, type >>> 8, type & 0xff, 0, 1];
    this.datagram(NAME_SERVER, 6000, 53, query);
    return query;
  }

  async lookup(
    name: string,
    type = 1,
  ): Promise<{ readonly code: number; readonly addresses: readonly string[] }> {
    const query = this.query(name, type);
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
    const [{ data }] = this.datagrams();
    const addresses: string[] = [];
    for (let at = query.length; at < data.length; at += 16)
      addresses.push(data.slice(at + 12, at + 16).join('.'));
    return { code: data[3] & 0xf, addresses };
  }

  /** All frames that wait for the guest. */
  all(): Frame[] {
    const frames: Frame[] = [];
    for (let frame = this.network.peek(TAKER); frame !== undefined; frame = this.network.peek(TAKER)) {
      frames.push({ ...frame, bytes: new Uint8Array(frame.bytes) });
      this.network.shift();
    }
    return frames;
  }

  frames(): Uint8Array<ArrayBuffer>[] {
    return this.all().map(({ bytes }) => new Uint8Array(bytes));
  }

  packets(): Packet[] {
    return this.frames().map((frame) => {
      const packet = readPacket(frame, ETHERNET_BYTES);
      if (packet === undefined) throw new Error('a frame without a packet');
      return packet;
    });
  }

  datagrams(): { readonly from: Ipv4; readonly ports: number[]; readonly data: number[] }[] {
    return this.packets().map((packet) => {
      const datagram = readDatagram(packet, true);
      if (datagram === undefined) throw new Error('a packet without a datagram');
      const { sourcePort, destinationPort, data } = datagram;
      return { from: packet.source, ports: [sourcePort, destinationPort], data: [...data] };
    });
  }

  segments(): Segment[] {
    return this.packets().map((packet) => {
      const segment = readSegment(packet, true);
      if (segment === undefined) throw new Error('a packet without a segment');
      return segment;
    });
  }
}
