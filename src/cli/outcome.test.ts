import { describe, expect, test } from 'vitest';
import { describeStuck } from '../hart/stuck.ts';
import type { MachineEnd } from '../machine/machine-end.ts';
import { EXIT_STATUS, exitStatusHelp, statusOfGuestCode } from './exit-status.ts';
import { outcomeOf, panicOutcome, signalOutcome, timeoutOutcome } from './outcome.ts';

const quiet = { panicReason: undefined, kind: 'domain' } as const;
const status = (end: MachineEnd, context = {}) => outcomeOf(end, { ...quiet, ...context }).status;

describe('the exit status', () => {
  test('of a power-off is 0, and nothing is said', () => {
    expect(outcomeOf({ reason: 'poweroff' }, quiet)).toEqual({ status: 0 });
  });

  test('of a power-off is 0 although a panic was seen: somebody read a log', () => {
    expect(status({ reason: 'poweroff' }, { panicReason: 'x' })).toBe(0);
  });

  test('tells a panic from a reset', () => {
    expect(status({ reason: 'reboot' })).toBe(EXIT_STATUS.reset);
    expect(outcomeOf({ reason: 'reboot' }, { ...quiet, panicReason: 'Oops' })).toEqual({
      status: EXIT_STATUS.panic,
      message: "The guest's kernel panicked: Oops",
    });
  });

  test('of a failure is 3, or the code where codes are passed on', () => {
    expect(status({ reason: 'failure', code: 7 })).toBe(3);
    expect(outcomeOf({ reason: 'failure', code: 7 }, { ...quiet, kind: 'bare' })).toEqual({
      status: 7,
      message: 'The program reported failure 7.',
    });
  });

  test.each([
    [0, 1],
    [1, 1],
    [123, 123],
    [124, 123],
    [255, 123],
    [65_535, 123],
    [-1, 1],
  ])('for code %d is %d', (code, expected) => {
    expect(statusOfGuestCode(code)).toBe(expected);
  });

  test('of a defect is 1, with the error and its place', () => {
    const outcome = outcomeOf({ reason: 'defect', error: new Error('broken') }, quiet);
    expect(outcome.status).toBe(1);
    expect(outcome.message).toMatch(/report.*\nError: broken\n +at /s);
  });

  test('of a guest that is stuck is 6, with whole sentences', () => {
    const trap = { cause: 12, pcLow: 0x1000, pcHigh: 0 };
    const message = describeStuck('vCPU 0', trap, trap, 'stvec', { low: 0, high: 0 });
    for (const [kind, end] of [
      ['domain', 'Check the kernel.'],
      ['bare', 'Check the program.'],
    ] as const) {
      const outcome = outcomeOf({ reason: 'stuck', message }, { ...quiet, kind });
      expect(outcome.status).toBe(6);
      expect(outcome.message).toMatch(/^The guest is stuck: vCPU 0 takes one/);
      expect(outcome.message?.endsWith(`not made for this machine. ${end}`)).toBe(true);
    }
  });

  test('of timeouts and signals is what shells and coreutils use', () => {
    expect(timeoutOutcome(5).status).toBe(124);
    expect(signalOutcome('SIGHUP').status).toBe(129);
    expect(signalOutcome('SIGINT').status).toBe(130);
    expect(signalOutcome('SIGTERM').status).toBe(143);
  });

  test('of every kind is another one, and in the help', () => {
    const all = Object.values(EXIT_STATUS);
    expect(new Set(all).size).toBe(all.length);
    for (const value of all) expect(exitStatusHelp).toMatch(new RegExp(`^ +${value}  `, 'm'));
    expect(panicOutcome('x').status).not.toBe(status({ reason: 'stuck', message: 'x' }));
  });
});
