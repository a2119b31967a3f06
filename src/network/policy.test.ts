import { describe, expect, test } from 'vitest';
import { ip } from '../../test/network/guest.ts';
import { type AllowRule, Policy, parseRule } from './policy.ts';

const OWN = [ip('198.51.101.7')];

function policy(rules: readonly string[], restrict = false): Policy {
  const allow = rules.map((text): AllowRule => {
    const rule = parseRule(text);
    if (rule === undefined) throw new Error(`no rule: ${text}`);
    return rule;
  });
  return new Policy({ allow, restrict }, () => OWN);
}

test.each([
  ['files.example.org', { name: 'files.example.org', ports: undefined }],
  ['*.Example.org.:80', { name: '*.example.org', ports: [80, 80] }],
  ['10.0.0.0/8', { subnet: { base: ip('10.0.0.0'), bits: 8 }, ports: undefined }],
  ['10.1.2.3/8:1-65535', { subnet: { base: ip('10.0.0.0'), bits: 8 }, ports: [1, 65535] }],
  [':443', { ports: [443, 443] }],
])('%s is a rule', (text, rule) => {
  expect(parseRule(text)).toEqual(rule);
});

test.each([
  '',
  ':',
  '10.0.0.256',
  '10.0.0.0/33',
  '1.2.3',
  'a:0',
  'a:2-1',
  'a:65536',
  'a b',
  '*',
  'a.*',
  '-a',
  '::1',
  'a..b',
])('"%s" is none', (text) => {
  expect(parseRule(text)).toBeUndefined();
});

describe('a name', () => {
  test('opens private addresses, at its ports, and those of others that lead there', () => {
    const rules = policy(['db.lan:5432']);
    expect(rules.permits(ip('10.0.0.5'), 5432)).toBe(false);
    expect(rules.resolved('db.lan', [ip('10.0.0.5')])).toEqual([ip('10.0.0.5')]);
    expect([5432, 22].map((port) => rules.permits(ip('10.0.0.5'), port))).toEqual([true, false]);
  });

  test.each(['127.0.0.1', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', '198.51.101.7'])(
    'never opens %s',
    (address) => {
      const rules = policy(['evil.example']);
      expect(rules.resolved('evil.example', [ip(address)])).toEqual([]);
      expect(rules.permits(ip(address), 80)).toBe(false);
    },
  );

  test('does not open anything for names that only look like it', () => {
    const rules = policy(['*.example.org'], true);
    for (const name of ['example.org', 'badexample.org', 'example.org.evil'])
      expect([rules.permitsName(name), rules.resolved(name, [ip('8.8.8.8')])]).toEqual([
        false,
        [ip('8.8.8.8')],
      ]);
    expect(rules.permits(ip('8.8.8.8'), 80)).toBe(false);
    expect(rules.resolved('a.example.org', [ip('8.8.8.8')])).toEqual([ip('8.8.8.8')]);
    expect(rules.permits(ip('8.8.8.8'), 80)).toBe(true);
  });

  test('localhost is the host where that is allowed', () => {
    const rules = policy(['localhost:80']);
    expect(rules.resolved('localhost', [ip('127.0.0.1')])).toEqual([ip('127.0.0.1')]);
    expect([80, 81].map((port) => rules.permits(ip('127.0.0.1'), port))).toEqual([true, false]);
  });

  test('is forgotten when there are too many', () => {
    const rules = policy(['*.example.org']);
    for (let count = 0; count < 5000; count++) rules.resolved('a.example.org', [ip('10.0.0.0') + count]);
    expect([0, 4999].map((count) => rules.permits(ip('10.0.0.0') + count, 1))).toEqual([false, true]);
  });
});
