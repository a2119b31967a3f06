import { expect, test } from 'vitest';
import { END } from './control.ts';
import { finishEnds } from './finish.ts';

test.each([
  [{ kind: 'pass' }, END.powerOff, 0],
  [{ kind: 'reset' }, END.reboot, 0],
  [{ kind: 'fail', code: 9 }, END.failure, 9],
] as const)('the finisher’s %o ends the machine', (finish, reason, code) => {
  let ended: [number, number] | undefined;
  finishEnds(finish, (why, number = 0) => {
    ended = [why, number];
  });
  expect(ended).toEqual([reason, code]);
});
