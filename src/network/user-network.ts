import { BROADCAST, contains, type Ipv4, LOOPBACK, lastOf, maskOf, type Subnet } from './address.ts';
import { ARP_OPERATION, readArp, writeArp } from './arp.ts';
import { DHCP_PORT, DhcpServer } from './dhcp.ts';
import { DNS_PORT, DnsProxy } from './dns.ts';
import {
  BROADCAST_MAC,
  type DropCounts,
  ETHERNET_BYTES,
  ETHERTYPE,
  type Frame,
  type Mac,
  type Network,
  type OpenChecksum,
  readMac,
  type Taker,
  writeEthernet,
} from './ethernet.ts';
import type { Accept, Clock, DatagramPeer, Failure, HostNetwork } from './host.ts';
import { echoReply, UNREACHABLE, type Unreachable, unreachable } from './icmp.ts';
import { IPV4_BYTES, MTU, type Packet, PROTOCOL, readPacket, writePacketHead } from './ipv4.ts';
import { Policy, type PolicyOptions } from './policy.ts';
import { Reassembly } from './reassembly.ts';
import { readSavedNetwork, writeSavedNetwork } from './saved-network.ts';
import { SegmentFrames } from './tcp/frames.ts';
import { TCP_BYTES } from './tcp/segment.ts';
import { MOST_CONNECTIONS, Tcp } from './tcp/tcp.ts';
import { readDatagram, UDP_BYTES, writeDatagram } from './udp.ts';
import { UdpRelay } from './udp-relay.ts';

/** Frames for the guest that wait, besides those of TCP, which wait where they come from. */
const MOST_FRAMES = 512;
/** Addresses whose cards are known. */
const MOST_NEIGHBOURS = 256;

/** A network of one guest's own, in which all others are played by its host. */
export interface UserNetworkOptions extends PolicyOptions {
  readonly subnet: Subnet;
  /** The router's address, which also stands for the host itself. */
  readonly gateway: Ipv4;
  readonly nameServer: Ipv4;
  /** The guest's address: the first that is given. */
  readonly guest: Ipv4;
  /** The guest's name, and that of its domain; empty if it is told none. */
  readonly hostName: string;
  readonly domainName: string;
}

/** The services that a network is made from. */
export interface UserNetworkSurroundings {
  readonly host: HostNetwork;
  readonly clock: Clock;
  /** There may be a frame for the guest. */
  ready(): void;
}

/** The address by which cards know the router and everybody behind it. */
const ROUTER_MAC: Mac = 0x52_55_0a_00_02_02;

/**
 * A user-mode network: ARP, IPv4, ICMP echo, UDP, DHCP, DNS and TCP for one guest, carried on by sockets of the host.
 */
export class UserNetwork implements Network {
  readonly dropped: DropCounts = { malformed: 0, refused: 0, overflow: 0 };
  readonly #options: UserNetworkOptions;
  readonly #around: UserNetworkSurroundings;
  readonly #policy: Policy;
  readonly #dhcp: DhcpServer;
  readonly #dns: DnsProxy;
  readonly #udp: UdpRelay;
  readonly #tcp: Tcp;
  readonly #reassembly: Reassembly;
  readonly #segments = new SegmentFrames(ROUTER_MAC);
  readonly #neighbours = new Map<Ipv4, Mac>();
  readonly #frames: Uint8Array<ArrayBuffer>[] = [];
  #shown: Frame | undefined;
  #ended = false;

  constructor(options: UserNetworkOptions, around: UserNetworkSurroundings) {
    const { subnet, gateway, nameServer, guest, hostName, domainName } = options;
    const { host, clock } = around;
    this.#options = options;
    this.#around = around;
    this.#policy = new Policy(options, () => host.ownAddresses());
    this.#dhcp = new DhcpServer({
      ...{ server: gateway, netmask: maskOf(subnet.bits), router: gateway, nameServer },
      ...{ first: guest, last: lastOf(subnet) - 1, hostName, domainName, mtu: MTU },
    });
    this.#dns = new DnsProxy(host, this.#policy, ownNames(options));
    this.#reassembly = new Reassembly(clock);
    this.#udp = new UdpRelay({
      clock,
      open: (ends, listener) => {
        const address = this.#permitted(ends.remote, ends.remotePort);
        return address === undefined ? undefined : host.openDatagrams(address, ends.remotePort, listener);
      },
      deliver: ({ guest: to, guestPort, remote, remotePort }, data) =>
        this.#sendDatagram(remote, remotePort, to, guestPort, data),
      unreachable: ({ guest: to, remote }, failure, packet) =>
        this.#tellUnreachable(to, remote, codeOf(failure), packet),
    });
    this.#tcp = new Tcp({
      clock,
      segmentBytes: MTU - IPV4_BYTES - TCP_BYTES,
      connect: (ends, listener) => {
        const address = this.#permitted(ends.remote, ends.remotePort);
        if (address !== undefined) return host.connect(address, ends.remotePort, listener);
        this.dropped.refused++;
        return undefined;
      },
      unreachable: ({ guest: to, remote }, failure, syn) =>
        this.#tellUnreachable(to, remote, codeOf(failure), syn),
      ready: () => around.ready(),
    });
  }

  /** Somebody has connected to a port of the host that leads to one of the guest's. */
  readonly accept = (guest: Ipv4, port: number): Accept => {
    return (stream, listen) => {
      const listener = this.#ended ? undefined : this.#tcp.open(guest, port, this.#options.gateway, stream);
      if (listener === undefined) stream.reset();
      else listen(listener);
    };
  };

  /** Somebody has sent a datagram to a port of the host that leads to one of the guest's. */
  receiveDatagram(guest: Ipv4, port: number, peer: DatagramPeer, data: Uint8Array): void {
    if (!this.#ended) this.#udp.receive(guest, port, this.#options.gateway, peer, data);
  }

  send(frame: Uint8Array<ArrayBuffer>, open: OpenChecksum | undefined): void {
    if (this.#ended) return;
    if (frame.length < ETHERNET_BYTES) {
      this.dropped.malformed++;
      return;
    }
    const destination = readMac(frame, 0);
    if (destination !== ROUTER_MAC && destination !== BROADCAST_MAC) return;
    const type = (frame[12] << 8) | frame[13];
    if (type === ETHERTYPE.ARP) this.#takeArp(frame);
    else if (type === ETHERTYPE.IPV4) this.#takePacket(frame, open === undefined);
    // Others are for nobody here: IPv6, discovery of bridges and the like.
  }

  peek(taker: Taker): Frame | undefined {
    this.#shown ??= this.#next(taker);
    return this.#shown;
  }

  shift(): void {
    this.#shown = undefined;
  }

  save(): Uint8Array {
    return writeSavedNetwork({ neighbours: [...this.#neighbours], connections: [...this.#tcp.places()] });
  }

  restore(saved: Uint8Array): void {
    const { neighbours, connections } = readSavedNetwork(saved);
    for (const [address, mac] of neighbours) this.#learn(address, mac);
    this.#tcp.resetAll(connections.slice(0, MOST_CONNECTIONS));
  }

  /** Ends all that goes on with the host. */
  end(): void {
    this.#ended = true;
    this.#tcp.end();
    this.#udp.end();
  }

  #next(taker: Taker): Frame | undefined {
    const frame = this.#frames.shift();
    if (frame !== undefined) return { bytes: frame };
    for (;;) {
      const next = this.#tcp.take(taker.longFrames ? SegmentFrames.LONGEST : 0);
      if (next === undefined) return undefined;
      const mac = this.#neighbours.get(next.ends.guest);
      if (mac !== undefined) return this.#segments.write(next.ends, next.segment, mac, taker);
      // It is lost, and will be sent again when the guest's card is known.
      return { bytes: this.#askFor(next.ends.guest) };
    }
  }

  #takeArp(frame: Uint8Array<ArrayBuffer>): void {
    const arp = readArp(frame);
    if (arp === undefined) {
      this.dropped.malformed++;
      return;
    }
    const { operation, sender, senderMac, target } = arp;
    if (this.#isGuest(sender)) this.#learn(sender, senderMac);
    if (operation !== ARP_OPERATION.REQUEST || !this.#isOurs(target)) return;
    const reply = { operation: ARP_OPERATION.REPLY, senderMac: ROUTER_MAC, sender: target, target: sender };
    this.#push(writeArp(reply, senderMac));
  }

  #takePacket(frame: Uint8Array<ArrayBuffer>, whole: boolean): void {
    let packet = readPacket(frame, ETHERNET_BYTES);
    if (packet === undefined) {
      this.dropped.malformed++;
      return;
    }
    const isFromGuest = this.#isGuest(packet.source);
    if (!isFromGuest && packet.source !== 0) {
      this.dropped.malformed++;
      return;
    }
    const isFragment = packet.moreFragments || packet.offset > 0;
    if (isFragment) packet = isFromGuest ? this.#reassembly.add(packet) : undefined;
    if (packet === undefined) return;
    if (isFromGuest) this.#learn(packet.source, readMac(frame, 6));
    switch (packet.protocol) {
      case PROTOCOL.UDP:
        this.#takeDatagram(packet, whole);
        break;
      case PROTOCOL.TCP:
        if (!isFromGuest || this.#isGroup(packet.destination) || !this.#tcp.receive(packet, whole))
          this.dropped.malformed++;
        break;
      case PROTOCOL.ICMP:
        if (isFromGuest) this.#takeIcmp(packet);
        break;
      default:
        if (isFromGuest) this.#refuse(packet, UNREACHABLE.PROTOCOL);
    }
  }

  #takeIcmp(packet: Packet): void {
    const { source, destination, payload } = packet;
    const reply = echoReply(payload);
    if (reply === undefined) return;
    if (this.#isOurs(destination))
      this.#sendPacket({ source: destination, destination: source, protocol: PROTOCOL.ICMP }, reply);
    else this.#refuse(packet, UNREACHABLE.PROHIBITED);
  }

  #takeDatagram(packet: Packet, whole: boolean): void {
    const datagram = readDatagram(packet, whole);
    if (datagram === undefined) {
      this.dropped.malformed++;
      return;
    }
    const { source, destination } = packet;
    const { sourcePort, destinationPort, data } = datagram;
    const { gateway, nameServer } = this.#options;
    const isForServer = destination === gateway || destination === BROADCAST;
    if (isForServer && destinationPort === DHCP_PORT.SERVER) {
      this.#answerDhcp(data);
    } else if (!this.#isGuest(source) || this.#isGroup(destination)) {
      // Announcements to many, of which nobody else is here.
    } else if (destination === nameServer && destinationPort === DNS_PORT) {
      void this.#dns.answer(data).then((answer) => {
        if (answer !== undefined) this.#sendDatagram(nameServer, DNS_PORT, source, sourcePort, answer);
      });
    } else {
      const ends = { guest: source, guestPort: sourcePort, remote: destination, remotePort: destinationPort };
      if (!this.#udp.send(ends, data, packet.bytes)) this.#refuse(packet, UNREACHABLE.PROHIBITED);
    }
  }

  #answerDhcp(message: Uint8Array): void {
    const reply = this.#dhcp.answer(message);
    if (reply === undefined) return;
    const { gateway } = this.#options;
    const head = { source: gateway, destination: reply.to ?? BROADCAST, protocol: PROTOCOL.UDP };
    const ports = { sourcePort: DHCP_PORT.SERVER, destinationPort: DHCP_PORT.CLIENT };
    const datagram = writeDatagram(head, { ...ports, data: reply.message });
    this.#sendPacket(head, datagram, reply.to === undefined ? BROADCAST_MAC : reply.mac);
  }

  /** The host's address for one of the guest's, if the guest may reach that port of it. */
  #permitted(remote: Ipv4, port: number): Ipv4 | undefined {
    const { gateway, subnet } = this.#options;
    const address = remote === gateway ? LOOPBACK : remote;
    const isHere = contains(subnet, remote) && remote !== gateway;
    // Nobody is at port 0, and hosts do not even take it.
    return port === 0 || isHere || !this.#policy.permits(address, port) ? undefined : address;
  }

  #sendDatagram(
    source: Ipv4,
    sourcePort: number,
    destination: Ipv4,
    destinationPort: number,
    data: Uint8Array,
  ): void {
    if (data.length > MTU - IPV4_BYTES - UDP_BYTES) {
      // Fragments are not sent.
      this.dropped.overflow++;
      return;
    }
    const head = { source, destination, protocol: PROTOCOL.UDP };
    this.#sendPacket(head, writeDatagram(head, { sourcePort, destinationPort, data }));
  }

  #refuse(packet: Packet, code: Unreachable): void {
    this.dropped.refused++;
    this.#tellUnreachable(packet.source, packet.destination, code, packet.bytes);
  }

  #tellUnreachable(guest: Ipv4, remote: Ipv4, code: Unreachable, packet: Uint8Array): void {
    if (packet.length === 0 || this.#isGroup(remote)) return;
    const source =
      code === UNREACHABLE.PORT || code === UNREACHABLE.PROTOCOL ? remote : this.#options.gateway;
    this.#sendPacket({ source, destination: guest, protocol: PROTOCOL.ICMP }, unreachable(packet, code));
  }

  #sendPacket(
    head: { source: Ipv4; destination: Ipv4; protocol: number },
    payload: Uint8Array,
    mac?: Mac,
  ): void {
    const to = mac ?? this.#neighbours.get(head.destination);
    if (to === undefined) {
      this.#push(this.#askFor(head.destination));
      return;
    }
    const frame = new Uint8Array(ETHERNET_BYTES + IPV4_BYTES + payload.length);
    writeEthernet(frame, to, ROUTER_MAC, ETHERTYPE.IPV4);
    writePacketHead(frame, ETHERNET_BYTES, head, IPV4_BYTES + payload.length);
    frame.set(payload, ETHERNET_BYTES + IPV4_BYTES);
    this.#push(frame);
  }

  /** The question for the card of an address. */
  #askFor(target: Ipv4): Uint8Array<ArrayBuffer> {
    const sender = this.#options.gateway;
    return writeArp(
      { operation: ARP_OPERATION.REQUEST, senderMac: ROUTER_MAC, sender, target },
      BROADCAST_MAC,
    );
  }

  #push(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#ended) return;
    if (this.#frames.length >= MOST_FRAMES) {
      this.dropped.overflow++;
      return;
    }
    this.#frames.push(frame);
    this.#around.ready();
  }

  #learn(address: Ipv4, mac: Mac): void {
    if (this.#neighbours.get(address) === mac) return;
    if (this.#neighbours.size < MOST_NEIGHBOURS || this.#neighbours.has(address))
      this.#neighbours.set(address, mac);
  }

  #isOurs(address: Ipv4): boolean {
    return address === this.#options.gateway || address === this.#options.nameServer;
  }

  /** Whether an address may be the guest's: one of its network that is nobody else's. */
  #isGuest(address: Ipv4): boolean {
    const { subnet } = this.#options;
    const isHost = address !== subnet.base && address !== lastOf(subnet);
    return isHost && contains(subnet, address) && !this.#isOurs(address);
  }

  /** Whether an address stands for many, or for none. */
  #isGroup(address: Ipv4): boolean {
    return address >>> 28 >= 14 || address === lastOf(this.#options.subnet) || address === 0;
  }
}

/** Names that the guest may know its network by. */
function ownNames({ gateway, guest, hostName }: UserNetworkOptions): ReadonlyMap<string, Ipv4> {
  return new Map([
    ['_gateway', gateway],
    ...(hostName === '' ? [] : [[hostName.toLowerCase(), guest] as const]),
  ]);
}

function codeOf(failure: Failure): Unreachable {
  return failure === 'refused' || failure === 'reset' ? UNREACHABLE.PORT : UNREACHABLE.HOST;
}
