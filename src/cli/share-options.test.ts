import { describe, expect, test } from 'vitest';
import { InputError } from '../errors/input-error.ts';
import { readShares } from './share-options.ts';

test('a folder has its own name as its tag, unless another one is given', () => {
  expect(
    readShares({ share: ['/home/me/src', '/var/log:logs', 'a:b:c', '/srv/www/:ro', './x:tag:ro'] }),
  ).toEqual([
    { folder: '/home/me/src', tag: 'src', readOnly: false },
    { folder: '/var/log', tag: 'logs', readOnly: false },
    { folder: 'a:b', tag: 'c', readOnly: false },
    { folder: '/srv/www/', tag: 'www', readOnly: true },
    { folder: './x', tag: 'tag', readOnly: true },
  ]);
  expect(readShares({})).toEqual([]);
});

describe('words that are wrong', () => {
  test.each([
    [[''], 'there is no folder'],
    [[':tag'], 'there is no folder'],
    [['/'], 'Give one: --share /:TAG'],
    [['a,b'], '"a,b" cannot be the tag'],
    [['src:my tag'], '"my tag" is no tag'],
    [['src:'], '"" is no tag'],
    [['src:..'], '".." is no tag'],
    [[`src:${'x'.repeat(37)}`], 'more than 36 bytes'],
    [['one/src', 'two/src'], 'another folder has the tag "src". Give this one a tag: --share two/src:TAG'],
    [Array.from({ length: 9 }, (_, at) => `folder${at}`), 'a machine shares 8 folders at most'],
  ])('%j', (share, message) => {
    expect(() => readShares({ share })).toThrow(InputError);
    expect(() => readShares({ share })).toThrow(message);
  });

  test('over MMIO there is room for fewer', () => {
    const share = Array.from({ length: 5 }, (_, at) => `folder${at}`);
    expect(() => readShares({ share }, 'mmio')).toThrow(
      'a machine shares 4 folders at most with --virtio mmio',
    );
  });
});
