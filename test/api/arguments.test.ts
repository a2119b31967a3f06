import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as hartvisor from '../../src/node/index.ts';
import { boot, InputError, type Vm } from '../../src/node/index.ts';
import * as verify from '../../src/verify/public.ts';
import {
  type Argument,
  type Call,
  CONSTRUCTORS,
  DISKS,
  FUNCTIONS,
  type Methods,
  OBJECTS,
  STATIC,
  VERIFY,
} from './public-calls.ts';
import { type Kind, valueBut } from './wrong-values.ts';

const RUNS = 150;
/** A sentence about one argument. */
const REFUSAL =
  /^[^\n]{1,120}: (there is no such option; give some of |it is missing: give |.{1,80} is not possible: give )/s;

/** A machine that has ended: a call that is not refused fails in another way, and none waits. */
let vm: Vm;

beforeAll(async () => {
  vm = await boot({ guest: 'tick', cpus: 1, memory: '16M' });
  await vm.stop();
});
afterAll(() => vm.stop());

/** Calls, and gives the reason why that was refused. */
async function refusal({ of }: Methods, name: string, values: readonly unknown[]): Promise<string> {
  const target = of(vm);
  const call: unknown = Reflect.get(target, name);
  if (typeof call !== 'function') throw new Error(`${name} is no method`);
  try {
    await Reflect.apply(call, target, [...values]);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(REFUSAL);
    return error.message;
  }
  throw new Error(`${name} was not refused`);
}

const ALL: readonly (readonly [string, Methods])[] = [
  ...Object.entries(OBJECTS),
  ['hartvisor', FUNCTIONS],
  ['GdbServer', STATIC],
  ['new', CONSTRUCTORS],
  ['verify', VERIFY],
  ['disks', DISKS],
];
const CALLS = ALL.flatMap(([owner, methods]) =>
  Object.entries(methods.calls).flatMap(([name, call]) =>
    isNone(call) ? [] : [{ label: `${owner}.${name}`, methods, name, call }],
  ),
);

function isNone(call: Call): call is string {
  return typeof call === 'string';
}

function withArgument(call: readonly Argument[], index: number, value: unknown): unknown[] {
  return call.map(({ good }, at) => (at === index ? value : good));
}

test.each(CALLS)('$label refuses arguments of other kinds', async ({ methods, name, call }) => {
  for (const [index, { also, options }] of call.entries()) {
    // An object of other names is one with options that do not exist.
    const kinds: readonly Kind[] = options === undefined ? also : also.filter((kind) => kind !== 'object');
    await fc.assert(
      fc.asyncProperty(valueBut(kinds), async ({ value }) => {
        await refusal(methods, name, withArgument(call, index, value));
      }),
      { numRuns: RUNS },
    );
  }
});

const WITH_OPTIONS = CALLS.flatMap(({ call, ...rest }) =>
  call.flatMap(({ good, options }, index) =>
    options === undefined ? [] : [{ ...rest, call, good, options, index }],
  ),
);

test.each(WITH_OPTIONS)(
  '$label refuses options that do not exist',
  async ({ methods, name, call, good, options, index }) => {
    const given = { ...(good as object), timoutMs: 5 };
    const message = await refusal(methods, name, withArgument(call, index, given));
    const [, names = ''] = /timoutMs: there is no such option; give some of (.*)\.$/.exec(message) ?? [];
    // A new option has to have its kinds in the table.
    expect(names.split(', ').sort()).toEqual(Object.keys(options).sort());
  },
);

test.each(WITH_OPTIONS)(
  '$label refuses values of options that cannot be',
  async ({ methods, name, call, good, options, index }) => {
    for (const [option, kinds] of Object.entries(options)) {
      const required = Object.hasOwn(good as object, option);
      const allowed: readonly Kind[] = required ? kinds : [...kinds, 'missing'];
      await fc.assert(
        fc.asyncProperty(valueBut(allowed), async ({ value }) => {
          const given = { ...(good as object), [option]: value };
          const message = await refusal(methods, name, withArgument(call, index, given));
          expect(message).toContain(option);
        }),
        { numRuns: RUNS },
      );
    }
  },
);

test.each(Object.entries(OBJECTS))('all methods of %s are in the table', (_, { of, calls }) => {
  const prototype: object = Object.getPrototypeOf(of(vm));
  const methods = Object.entries(Object.getOwnPropertyDescriptors(prototype)).flatMap(([name, { value }]) =>
    typeof value === 'function' && name !== 'constructor' ? [name] : [],
  );
  expect(methods.sort()).toEqual(Object.keys(calls).sort());
});

test('all functions of the package are in the table, and the objects of all its classes', () => {
  const functions: string[] = [];
  const classes: string[] = [];
  for (const [name, value] of Object.entries(hartvisor))
    if (typeof value === 'function') (/^class\b/.test(String(value)) ? classes : functions).push(name);
  expect(functions.sort()).toEqual(Object.keys(FUNCTIONS.calls).sort());
  const ofVerify = Object.entries(verify).flatMap(([name, value]) =>
    typeof value === 'function' ? [name] : [],
  );
  expect(ofVerify.sort()).toEqual(Object.keys(VERIFY.calls).sort());
  expect(Object.keys(DISKS.of(vm)).sort()).toEqual(Object.keys(DISKS.calls).sort());
  const others = [
    // Errors are made by hartvisor.
    ...['AgentError', 'CommandError', 'HartvisorError', 'InputError', 'MachineEndedError'],
    // Without options in their methods.
    ...['DebugSession', 'GdbServer', 'NodeHost', 'VmImage'],
  ];
  const known = [...Object.keys(OBJECTS), ...others];
  expect(classes.filter((name) => !known.includes(name))).toEqual([]);
});
