import { describe, expect, it } from 'vitest';
import { aptPlaces, guestNetworkSettings, guestSources } from './guest-apt.ts';

const sources = [
  { uri: 'http://deb.example.org/debian/', suite: 'trixie' },
  { uri: 'http://deb.example.org/debian/', suite: 'trixie-updates' },
  { uri: 'https://sec.example.org:8443/security', suite: 'trixie-security' },
];

describe('guestSources', () => {
  it('has an entry for each address', () => {
    const text = guestSources(sources);
    expect(text.split('\n\n')).toHaveLength(2);
    expect(text).toContain('URIs: http://deb.example.org/debian/\nSuites: trixie trixie-updates\n');
    expect(text).toContain('URIs: https://sec.example.org:8443/security\nSuites: trixie-security\n');
  });

  it('asks the host for what the host has, and not for its files', () => {
    const text = guestSources([
      { uri: 'http://localhost:9999/debian', suite: 'trixie' },
      { uri: 'file:/srv/debian', suite: 'trixie' },
    ]);
    expect(text).toContain('URIs: http://10.0.2.2:9999/debian\n');
    expect(text).not.toContain('/srv');
  });
});

describe('guestNetworkSettings', () => {
  it('keeps proxies and patience, and drops what is of the host alone', () => {
    const network = [
      'Acquire "";',
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "http://127.0.0.1:3142/";',
      'Acquire::https::Proxy "DIRECT";',
      'Acquire::http::Proxy::direct.example.org "DIRECT";',
      'Acquire::http::Proxy-Auto-Detect "/usr/bin/detect";',
      'Acquire::http::Timeout "30";',
      'Acquire::https::CaInfo "/etc/ssl/own.pem";',
      'Acquire::Retries "3";',
      'Acquire::GzipIndexes "true";',
      'Acquire::CompressionTypes::xz "xz";',
    ].join('\n');
    expect(guestNetworkSettings(network, { http_proxy: 'http://other.example.org:1' }).split('\n')).toEqual([
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "http://10.0.2.2:3142/";',
      'Acquire::https::Proxy "DIRECT";',
      'Acquire::http::Proxy::direct.example.org "DIRECT";',
      'Acquire::http::Timeout "30";',
      'Acquire::Retries "3";',
      '',
    ]);
  });

  it('takes proxies of the environment where apt has none', () => {
    expect(guestNetworkSettings('', { https_proxy: 'http://proxy.example.org:8080', http_proxy: '' })).toBe(
      'Acquire::https::Proxy "http://proxy.example.org:8080";\n',
    );
  });
});

describe('aptPlaces', () => {
  it('names archives and proxies with their ports', () => {
    const network = 'Acquire::http::Proxy "http://localhost:3142";\nAcquire::https::Proxy "DIRECT";';
    expect(aptPlaces(sources, network, { https_proxy: 'http://proxy.example.org:8080' })).toEqual([
      'deb.example.org:80',
      'sec.example.org:8443',
      '127.0.0.1:3142',
      'proxy.example.org:8080',
    ]);
  });

  it('leaves out what is no place', () => {
    expect(aptPlaces([{ uri: 'file:/srv/debian', suite: 'x' }], '', {})).toEqual([]);
  });
});
