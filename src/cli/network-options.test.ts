import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { formatIpv4, LOOPBACK, parseIpv4 } from '../network/address.ts';
import { portNotices, readNetwork } from './network-options.ts';

const read = (netdev: string) => {
  const network = readNetwork({ netdev: [netdev] });
  if (network === undefined) throw new Error('there is no network');
  return network;
};

test('there is no network unless somebody asks for it', () => {
  expect(readNetwork({})).toBeUndefined();
  expect(readNetwork({ net: true })).toEqual(read('user'));
});

test("a network is as QEMU's, if nothing else is said", () => {
  const { gateway, nameServer, guest, mac, ...rest } = read('user,id=net0');
  expect([gateway, nameServer, guest].map(formatIpv4)).toEqual(['10.0.2.2', '10.0.2.3', '10.0.2.15']);
  expect(mac).toBe(0x5254_0012_3456);
  expect(rest).toMatchObject({ restrict: false, allow: [], forwards: [], dump: undefined, hostName: '' });
});

test('all words', () => {
  const network = read(
    'user,net=192.168.7.0/24,host=192.168.7.9,dns=192.168.7.10,dhcpstart=192.168.7.20,hostname=box,' +
      'domainname=example.org,restrict=on,dump=a,,b.pcap,mac=52:54:00:00:00:07,allow=*.debian.org:80,allow=:443,' +
      'hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=udp:0.0.0.0:0-192.168.7.21:53,hostfwd=tcp::8080-:80',
  );
  const { gateway, nameServer, guest, mac } = network;
  expect([gateway, nameServer, guest].map(formatIpv4)).toEqual([
    '192.168.7.9',
    '192.168.7.10',
    '192.168.7.20',
  ]);
  expect(mac).toBe(0x5254_0000_0007);
  expect(network).toMatchObject({
    ...{ hostName: 'box', domainName: 'example.org', restrict: true, dump: 'a,b.pcap' },
    allow: [{ name: '*.debian.org', ports: [80, 80] }, { ports: [443, 443] }],
    forwards: [
      { protocol: 'tcp', host: LOOPBACK, hostPort: 2222, guest, guestPort: 22 },
      { protocol: 'udp', host: 0, hostPort: 0, guest: parseIpv4('192.168.7.21'), guestPort: 53 },
      { protocol: 'tcp', host: LOOPBACK, hostPort: 8080, guest, guestPort: 80 },
    ],
  });
});

test('ports that were found are told, and no others', () => {
  const { forwards } = read('user,hostfwd=tcp::2222-:22,hostfwd=udp::0-:53');
  const given = [forwards[0], { ...forwards[1], hostPort: 40_000 }];
  expect(portNotices(forwards, given)).toEqual(['udp port 127.0.0.1:40000 leads to port 53 of the guest.']);
});

describe('mistakes', () => {
  test.each([
    ['tap,id=n', '"tap" is no kind of network'],
    ['user,colour=red', '"colour=red" is none of allow='],
    ['user,restrict', '"restrict" is none of'],
    ['user,restrict=maybe', 'restrict is on or off'],
    ['user,net=10.0.2.0/30', 'net=10.0.2.0/30'],
    ['user,net=here', 'net=here'],
    ['user,dns=10.0.3.3', 'dns=10.0.3.3 is no address of the guest'],
    ['user,host=10.0.2.255', 'host=10.0.2.255'],
    ['user,dns=10.0.2.2', 'three addresses'],
    ['user,hostname=a b', 'hostname=a b is no name'],
    ['user,mac=01:00:00:00:00:00', 'mac=01'],
    ['user,allow=999.1.1.1', 'allow=999.1.1.1'],
    ['user,allow=host:0', 'allow=host:0'],
    ['user,allow=:80', 'restrict=on'],
    ['user,hostfwd=2222-22', 'forwards nothing'],
    ['user,hostfwd=tcp:here:1-:2', 'here is no IPv4 address'],
    ['user,hostfwd=tcp::1-10.0.9.9:2', '10.0.9.9'],
    ['user,hostfwd=tcp::1-:65536', '1 to 65535'],
  ])('%s', (netdev, why) => {
    expect(() => read(netdev)).toThrow(InputError);
    expect(() => read(netdev)).toThrow(why);
  });

  test('two cards', () => {
    expect(() => readNetwork({ netdev: ['user', 'user'] })).toThrow('one network card');
  });
});
