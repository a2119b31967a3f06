import { describe, expect, it } from 'vitest';
import { parseIpv4 } from '../network/address.ts';
import type { Forward } from '../node/network/network-thread.ts';
import { refusePersistent, sshNotice, withPlaces } from './debian-disk.ts';
import { readNetwork } from './network-options.ts';

const own = { file: '/c/debian-trixie.qcow2', keyFile: '/c/debian-key', places: [], suite: 'trixie' };

function network(text: string) {
  const options = readNetwork({ netdev: [text] });
  if (options === undefined) throw new Error('there is no network');
  return options;
}

describe('withPlaces', () => {
  const places = ['deb.example.org:80', '127.0.0.1:3142', 'nonsense:x'];

  it('allows what apt has to reach, beside what the person allows', () => {
    const { allow } = withPlaces(network('user,allow=10.1.2.3'), places);
    expect(allow).toHaveLength(3);
    expect(allow.at(1)).toEqual({ name: 'deb.example.org', ports: [80, 80] });
  });

  it('leaves a guest alone that is to be alone', () => {
    expect(withPlaces(network('user,restrict=on'), places).allow).toEqual([]);
  });
});

describe('sshNotice', () => {
  const forward = (guestPort: number, host = '127.0.0.1', protocol: 'tcp' | 'udp' = 'tcp'): Forward => ({
    ...{ protocol, hostPort: 2222, guest: 1, guestPort },
    host: parseIpv4(host) ?? 0,
  });

  it('names port, key and address', () => {
    expect(sshNotice([forward(80), forward(22)], own)).toMatch(
      /^ssh -p 2222 -i \/c\/debian-key .* root@127\.0\.0\.1 /,
    );
    expect(sshNotice([forward(22, '0.0.0.0')], own)).toContain('root@127.0.0.1');
    expect(sshNotice([forward(22, '192.168.1.7')], own)).toContain('root@192.168.1.7');
  });

  it('says nothing where no port leads to sshd', () => {
    expect(sshNotice([forward(80), forward(22, '127.0.0.1', 'udp')], own)).toBeUndefined();
  });
});

it('--persistent is refused for other guests', () => {
  expect(() => refusePersistent(true)).toThrow(/is for --guest debian/);
  expect(() => refusePersistent(undefined)).not.toThrow();
});

it('--netdev none is no network', () => {
  expect(readNetwork({ netdev: ['none'], net: true })).toBeUndefined();
});
