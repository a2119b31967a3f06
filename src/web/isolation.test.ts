import { expect, test } from 'vitest';
import { checkIsolation, IsolationError } from './isolation.ts';

const origin = 'http://192.0.2.1';

test('a page that is isolated can run machines', () => {
  expect(() => checkIsolation({ crossOriginIsolated: true, isSecureContext: true, origin })).not.toThrow();
});

test('a page that is not is told which headers are missing, or that it has to come by https', () => {
  const check = (isSecureContext: boolean) => () =>
    checkIsolation({ crossOriginIsolated: false, isSecureContext, origin });
  expect(check(true)).toThrow(IsolationError);
  expect(check(true)).toThrow('Cross-Origin-Embedder-Policy: require-corp');
  expect(check(false)).toThrow('Serve this page by https.');
});
