import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GATEWAY, GUEST, Guest, ip, NAME_SERVER } from '../../test/network/guest.ts';
import { LOOPBACK, parseIpv4 } from './address.ts';
import { fold, sumOf } from './checksum.ts';
import { ETHERNET_BYTES, readMac } from './ethernet.ts';
import { FLAG } from './tcp/segment.ts';

const PUBLIC = ip('93.184.216.34');

describe('ARP', () => {
  test('the router and the name server have an address, others have none', () => {
    const guest = new Guest();
    for (const target of [GATEWAY, NAME_SERVER, ip('10.0.2.77')]) guest.askFor(target);
    const replies = guest.frames();
    expect(replies).toHaveLength(2);
    expect(replies.map((frame) => [readMac(frame, 0), frame[21], [...frame.subarray(28, 32)]])).toEqual([
      [guest.mac, 2, [10, 0, 2, 2]],
      [guest.mac, 2, [10, 0, 2, 3]],
    ]);
  });
});

describe('ICMP', () => {
  test('the router answers an echo, and says that others cannot be reached', () => {
    const guest = new Guest();
    guest.echo(GATEWAY, [1, 2, 3, 4]);
    guest.echo(PUBLIC, [1, 2, 3, 4]);
    const [reply, refusal] = guest.packets();
    expect([reply.source, reply.payload[0], [...reply.payload.subarray(4)]]).toEqual([
      GATEWAY,
      0,
      [0, 1, 0, 1, 1, 2, 3, 4],
    ]);
    expect(fold(sumOf(reply.payload))).toBe(0xffff);
    expect([refusal.payload[0], refusal.payload[1]]).toEqual([3, 13]);
    expect(guest.network.dropped).toEqual({ malformed: 0, refused: 1, overflow: 0 });
  });
});

describe('UDP', () => {
  test('datagrams go out from a socket for each pair of ends, and answers come back', () => {
    const guest = new Guest();
    guest.datagram(PUBLIC, 5000, 123, [1, 2, 3]);
    guest.datagram(PUBLIC, 5000, 123, [4]);
    guest.datagram(PUBLIC, 5001, 123, [5]);
    const [first, second] = guest.host.sockets;
    expect(guest.host.sockets).toHaveLength(2);
    expect([first.sent, second.sent]).toEqual([[[1, 2, 3], [4]], [[5]]]);
    first.listener.data(Uint8Array.of(9, 8));
    expect(guest.datagrams()).toEqual([{ from: PUBLIC, ports: [123, 5000], data: [9, 8] }]);
    second.listener.failed('refused');
    const [refusal] = guest.packets();
    expect([refusal.source, refusal.payload[0], refusal.payload[1], second.closed]).toEqual([
      PUBLIC,
      3,
      3,
      true,
    ]);
    guest.clock.pass(200_000);
    expect([first.closed, guest.clock.waiting]).toEqual([true, 0]);
  });

  test('a port of the host leads to one of the guest, which answers whoever has sent something', () => {
    const guest = new Guest();
    guest.askFor(GATEWAY);
    guest.frames();
    const replies: string[] = [];
    const peer = (id: string) => ({
      id,
      reply: (data: Uint8Array) => void replies.push(`${id} ${[...data]}`),
    });
    const receive = (id: string) => guest.network.receiveDatagram(GUEST, 53, peer(id), Uint8Array.of(1));
    for (const id of ['a', 'b', 'a']) receive(id);
    const [first, second, third] = guest.datagrams();
    expect([first.from, first.ports[1], third.ports]).toEqual([GATEWAY, 53, first.ports]);
    guest.datagram(GATEWAY, 53, second.ports[0], [2]);
    guest.datagram(GATEWAY, 53, first.ports[0], [3, 4]);
    expect(replies).toEqual(['b 2', 'a 3,4']);
    guest.clock.pass(200_000);
    guest.datagram(GATEWAY, 53, first.ports[0], [5]);
    expect([replies.length, guest.host.sockets.length]).toEqual([2, 0]);
  });

  test('nobody is at port 0', () => {
    const guest = new Guest();
    guest.datagram(PUBLIC, 5000, 0, [1]);
    guest.syn(PUBLIC, 0);
    expect([guest.host.sockets, guest.host.connections]).toEqual([[], []]);
  });

  test('there are no more sockets than a bound says', () => {
    const guest = new Guest();
    for (let port = 1; port <= 1100; port++) guest.datagram(PUBLIC, 5000, port, [1]);
    expect(guest.host.sockets.filter(({ closed }) => !closed)).toHaveLength(1024);
    expect(guest.host.sockets[0].closed).toBe(true);
  });

  test('a datagram in fragments is put together', () => {
    const guest = new Guest();
    const data = Uint8Array.from({ length: 3000 }, (_, index) => index & 0xff);
    guest.fragments(PUBLIC, 5000, 123, data, [1480, 2280]);
    expect(guest.host.sockets[0].sent).toEqual([[...data]]);
  });
});

describe('DHCP', () => {
  test('gives the address, and all that goes with it', () => {
    const guest = new Guest({ hostName: 'box', domainName: 'example.org' });
    guest.dhcp(1);
    const offer = guest.dhcpAnswer();
    expect(offer).toMatchObject({ kind: 2, address: GUEST, server: GATEWAY });
    guest.dhcp(3, offer.address);
    const { options, ...ack } = guest.dhcpAnswer();
    expect(ack).toMatchObject({ kind: 5, address: GUEST });
    expect(options.get(1)).toEqual([255, 255, 255, 0]);
    expect([options.get(3), options.get(6), options.get(26)]).toEqual([
      [10, 0, 2, 2],
      [10, 0, 2, 3],
      [5, 220],
    ]);
    expect([12, 15].map((key) => String.fromCharCode(...(options.get(key) ?? [])))).toEqual([
      'box',
      'example.org',
    ]);
    guest.dhcp(3, ip('10.0.2.99'));
    expect(guest.dhcpAnswer().kind).toBe(6);
  });
});

describe('DNS', () => {
  test('names have their addresses, but none that lead to the host or its networks', async () => {
    const guest = new Guest({ allow: [{ name: 'mirror.example', ports: [80, 80] }] });
    guest.host.names.set('example.org', ['93.184.216.34', '10.1.2.3', '127.0.0.1', '169.254.169.254']);
    guest.host.names.set('mirror.example', ['10.1.2.4', '127.0.0.1']);
    expect(await guest.lookup('Example.ORG')).toEqual({ code: 0, addresses: ['93.184.216.34'] });
    expect(await guest.lookup('mirror.example')).toEqual({ code: 0, addresses: ['10.1.2.4'] });
    expect(await guest.lookup('nowhere.example')).toEqual({ code: 3, addresses: [] });
    expect(await guest.lookup('example.org', 28)).toEqual({ code: 0, addresses: [] });
    expect(await guest.lookup('example.org', 255)).toEqual({ code: 4, addresses: [] });
    expect(await guest.lookup('_gateway')).toEqual({ code: 0, addresses: ['10.0.2.2'] });
    guest.syn(ip('10.1.2.4'), 80);
    guest.syn(ip('10.1.2.4'), 81);
    guest.syn(ip('10.1.2.3'), 80);
    expect(guest.host.connections.map(({ address, port }) => [address, port])).toEqual([
      [ip('10.1.2.4'), 80],
    ]);
  });

  test('with restrict=on there are no names but those that are allowed', async () => {
    const guest = new Guest({ restrict: true, allow: [{ name: '*.allowed.example.org' }] });
    guest.host.names.set('files.allowed.example.org', ['93.184.216.34']);
    guest.host.names.set('secret.example.org', ['93.184.216.35']);
    expect(await guest.lookup('secret.example.org')).toEqual({ code: 5, addresses: [] });
    expect(await guest.lookup('files.allowed.example.org')).toEqual({
      code: 0,
      addresses: ['93.184.216.34'],
    });
    guest.syn(PUBLIC, 443);
    guest.syn(ip('93.184.216.35'), 443);
    expect(guest.host.connections).toHaveLength(1);
  });
});

describe('TCP', () => {
  test('a connection is there when the host has one', () => {
    const guest = new Guest();
    guest.syn(PUBLIC, 80);
    expect(guest.segments()).toEqual([]);
    const [connection] = guest.host.connections;
    connection.listener.connected();
    const [answer] = guest.segments();
    expect(answer).toMatchObject({ flags: FLAG.SYN | FLAG.ACK, acknowledged: 1001 });
    expect(answer.options).toEqual({ segmentBytes: 1460, scale: 7 });
  });

  test.each([
    ['refused', FLAG.RST | FLAG.ACK],
    ['unreachable', 'no way'],
    ['timeout', 'no way'],
  ] as const)('%s', (failure, expected) => {
    const guest = new Guest();
    guest.syn(PUBLIC, 80);
    guest.host.connections[0].listener.failed(failure);
    if (expected === 'no way') expect([...guest.packets()[0].payload.subarray(0, 2)]).toEqual([3, 1]);
    else expect(guest.segments()[0].flags).toBe(expected);
  });

  test('without checksums it is as good as with them, and a wrong one is dropped', () => {
    const guest = new Guest();
    guest.syn(PUBLIC, 80, { damage: true });
    expect([guest.host.connections.length, guest.network.dropped.malformed]).toEqual([0, 1]);
    guest.syn(PUBLIC, 80, { damage: true, open: true });
    expect(guest.host.connections).toHaveLength(1);
  });

  test.each([
    ['the host itself', '10.0.2.2'],
    ['another card of its network', '10.0.2.77'],
    ['loopback', '127.0.0.1'],
    ['a private network', '192.168.1.1'],
    ['shared addresses', '100.64.0.1'],
    ['services of clouds', '169.254.169.254'],
    ["the host's public address", '198.51.101.7'],
    ['many', '224.0.0.1'],
    ['nobody', '0.0.0.1'],
  ])('%s cannot be reached', (_, address) => {
    const guest = new Guest();
    guest.syn(ip(address), 80);
    expect(guest.host.connections).toHaveLength(0);
    const isOne = address !== '224.0.0.1';
    expect(guest.network.dropped.refused).toBe(isOne ? 1 : 0);
    if (isOne) expect(guest.segments()[0].flags).toBe(FLAG.RST | FLAG.ACK);
  });

  test('what is allowed can be reached, the host by the address of the router', () => {
    const guest = new Guest({
      restrict: true,
      allow: [
        { subnet: { base: LOOPBACK, bits: 32 }, ports: [8000, 8010] },
        { ports: [443, 443] },
        { subnet: { base: ip('10.1.0.0'), bits: 16 } },
      ],
    });
    for (const port of [8000, 8010, 8011]) guest.syn(GATEWAY, port);
    for (const port of [443, 80]) guest.syn(PUBLIC, port);
    guest.syn(ip('10.1.255.1'), 5432);
    guest.syn(ip('192.168.0.1'), 443);
    expect(guest.host.connections.map(({ address, port }) => [address, port])).toEqual([
      [LOOPBACK, 8000],
      [LOOPBACK, 8010],
      [PUBLIC, 443],
      [ip('10.1.255.1'), 5432],
    ]);
  });

  test('there are no more connections than a bound says, and floods cost nothing more', () => {
    const guest = new Guest();
    for (let port = 1; port <= 5000; port++) guest.syn(PUBLIC, 80, { port });
    expect(guest.host.connections).toHaveLength(4096);
  });
});

describe('whatever a guest sends', () => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc
      .tuple(
        fc.constantFrom(...Guest.samples()),
        fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 4 }),
        fc.nat(120),
      )
      .map(([sample, changes, cut]) => {
        const copy = new Uint8Array(sample);
        for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
        return cut < 100 ? copy : copy.subarray(0, Math.max(0, copy.length - (cut - 100)));
      }),
  );

  test('nothing fails, and what waits for it is bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(frame, fc.boolean()), { maxLength: 40 }), (frames) => {
        const guest = new Guest();
        for (const [bytes, open] of frames)
          guest.network.send(new Uint8Array(bytes), open ? { start: 0, at: 0 } : undefined);
        for (const { listener } of guest.host.connections) listener.connected();
        for (const { bytes } of guest.all()) expect(bytes.length).toBeGreaterThan(ETHERNET_BYTES);
      }),
      { numRuns: 500 },
    );
  });

  test('a flood of questions is answered as far as there is room', () => {
    const guest = new Guest();
    for (let count = 0; count < 2000; count++) guest.askFor(GATEWAY);
    expect(guest.network.dropped.overflow).toBe(2000 - 512);
    expect(guest.frames()).toHaveLength(512);
  });
});

test('addresses are read and written', () => {
  expect(parseIpv4('256.1.1.1')).toBeUndefined();
  expect(parseIpv4('01.1.1.1')).toBeUndefined();
  expect(ip('255.255.255.255')).toBe(2 ** 32 - 1);
});
