import { describe, expect, test } from 'vitest';
import { outcomesOf } from '../../../test/verify/litmus-outcomes.ts';
import { enumerateByViews } from '../../../test/verify/promising.ts';
import { enumerateExecutions } from './axiomatic.ts';
import { parseLitmus } from './litmus-parser.ts';
import { runLitmus } from './litmus-run.ts';

/** Columns of code: one array of lines for each hart. s0 = 1, s1 = 2, a0 = &x, a1 = &y, a2 = &z on every hart. */
interface Classic {
  readonly name: string;
  readonly harts: readonly (readonly string[])[];
  readonly exists: string;
  readonly allowed: boolean;
}

const STORE_BUFFERING = '0:t0=0 /\\ 1:t0=0';
const MESSAGE_PASSING = '1:t0=1 /\\ 1:t1=0';
const LOAD_BUFFERING = '0:t0=1 /\\ 1:t0=1';
const PUBLISH = ['sw s0,0(a0)', 'fence w,w', 'sw s0,0(a1)'];
const ADDRESS = ['lw t0,0(a1)', 'xor t2,t0,t0', 'add t2,t2,a0', 'lw t1,0(t2)'];
const INCREMENT = ['lr.w t0,0(a0)', 'addi t0,t0,1', 'sc.w t1,t0,0(a0)'];

const CLASSICS: readonly Classic[] = [
  {
    name: 'SB: stores wait in buffers while the loads go ahead',
    harts: [
      ['sw s0,0(a0)', 'lw t0,0(a1)'],
      ['sw s0,0(a1)', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: true,
  },
  {
    name: 'SB with full fences',
    harts: [
      ['sw s0,0(a0)', 'fence rw,rw', 'lw t0,0(a1)'],
      ['sw s0,0(a1)', 'fence rw,rw', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: false,
  },
  {
    name: 'SB with fence.tso, which leaves a store and a later load alone',
    harts: [
      ['sw s0,0(a0)', 'fence.tso', 'lw t0,0(a1)'],
      ['sw s0,0(a1)', 'fence.tso', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: true,
  },
  {
    name: 'SB with a full fence on one side only',
    harts: [
      ['sw s0,0(a0)', 'fence rw,rw', 'lw t0,0(a1)'],
      ['sw s0,0(a1)', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: true,
  },
  {
    name: 'SB around an AMO that is .aq.rl',
    harts: [
      ['sw s0,0(a0)', 'amoadd.w.aq.rl t2,s0,(a2)', 'lw t0,0(a1)'],
      ['sw s0,0(a1)', 'amoadd.w.aq.rl t2,s0,(a2)', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: false,
  },
  {
    name: 'SB with AMOs that release only',
    harts: [
      ['amoswap.w.rl t2,s0,(a0)', 'lw t0,0(a1)'],
      ['amoswap.w.rl t2,s0,(a1)', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: true,
  },
  {
    name: 'SB with AMOs that acquire',
    harts: [
      ['amoswap.w.aq t2,s0,(a0)', 'lw t0,0(a1)'],
      ['amoswap.w.aq t2,s0,(a1)', 'lw t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: false,
  },
  {
    name: 'SB with annotated accesses only: all of them are RCsc',
    harts: [
      ['sw.rl s0,0(a0)', 'lw.aq t0,0(a1)'],
      ['sw.rl s0,0(a1)', 'lw.aq t0,0(a0)'],
    ],
    exists: STORE_BUFFERING,
    allowed: false,
  },
  {
    name: 'MP: nothing keeps the two stores or the two loads in order',
    harts: [
      ['sw s0,0(a0)', 'sw s0,0(a1)'],
      ['lw t0,0(a1)', 'lw t1,0(a0)'],
    ],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'MP with fences on both sides',
    harts: [PUBLISH, ['lw t0,0(a1)', 'fence r,r', 'lw t1,0(a0)']],
    exists: MESSAGE_PASSING,
    allowed: false,
  },
  {
    name: 'MP with the fence of the writer only',
    harts: [PUBLISH, ['lw t0,0(a1)', 'lw t1,0(a0)']],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'MP with a fence that orders the wrong sets',
    harts: [['sw s0,0(a0)', 'fence r,rw', 'sw s0,0(a1)'], ADDRESS],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'MP with an address dependency, though the value does not matter',
    harts: [PUBLISH, ADDRESS],
    exists: MESSAGE_PASSING,
    allowed: false,
  },
  {
    name: 'MP with a control dependency, which orders stores only',
    harts: [PUBLISH, ['lw t0,0(a1)', 'bne t0,x0,L', 'L:', 'lw t1,0(a0)']],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'MP with release and acquire',
    harts: [
      ['sw s0,0(a0)', 'amoswap.w.rl x0,s0,(a1)'],
      ['lr.w.aq t0,0(a1)', 'lw t1,0(a0)'],
    ],
    exists: MESSAGE_PASSING,
    allowed: false,
  },
  {
    name: 'MP to a reader that takes the flag with a relaxed AMO',
    harts: [PUBLISH, ['amoswap.w t0,x0,(a1)', 'lw t1,0(a0)']],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'MP where the second location is forwarded from the own store',
    harts: [
      PUBLISH,
      [
        'lw t0,0(a1)',
        'bne t0,x0,L',
        'L:',
        'sw s0,0(a2)',
        'lw t2,0(a2)',
        'xor t2,t2,t2',
        'add t2,t2,a0',
        'lw t1,0(t2)',
      ],
    ],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'MP where the own store depends on the flag: rule 12',
    harts: [
      PUBLISH,
      ['lw t0,0(a1)', 'sw t0,0(a2)', 'lw t2,0(a2)', 'xor t2,t2,t2', 'add t2,t2,a0', 'lw t1,0(t2)'],
    ],
    exists: MESSAGE_PASSING,
    allowed: false,
  },
  {
    name: 'MP where the own store is an AMO: rule 3',
    harts: [
      PUBLISH,
      [
        'lw t0,0(a1)',
        'bne t0,x0,L',
        'L:',
        'amoswap.w x0,s0,(a2)',
        'lw t2,0(a2)',
        'xor t2,t2,t2',
        'add t2,t2,a0',
        'lw t1,0(t2)',
      ],
    ],
    exists: MESSAGE_PASSING,
    allowed: false,
  },
  {
    name: 'LB: stores go ahead of loads',
    harts: [
      ['lw t0,0(a0)', 'sw s0,0(a1)'],
      ['lw t0,0(a1)', 'sw s0,0(a0)'],
    ],
    exists: LOAD_BUFFERING,
    allowed: true,
  },
  {
    name: 'LB with data dependencies',
    harts: [
      ['lw t0,0(a0)', 'sw t0,0(a1)'],
      ['lw t0,0(a1)', 'ori t2,t0,1', 'sw t2,0(a0)'],
    ],
    exists: LOAD_BUFFERING,
    allowed: false,
  },
  {
    name: 'LB with control dependencies',
    harts: [
      ['lw t0,0(a0)', 'bne t0,x0,L', 'L:', 'sw s0,0(a1)'],
      ['lw t0,0(a1)', 'bne t0,x0,M', 'M:', 'sw s0,0(a0)'],
    ],
    exists: LOAD_BUFFERING,
    allowed: false,
  },
  {
    name: 'LB with an address in between that depends on the load: rule 13',
    harts: [
      ['lw t0,0(a0)', 'xor t2,t0,t0', 'add t2,t2,a2', 'lw t1,0(t2)', 'sw s0,0(a1)'],
      ['lw t0,0(a1)', 'fence r,w', 'sw s0,0(a0)'],
    ],
    exists: LOAD_BUFFERING,
    allowed: false,
  },
  {
    name: 'IRIW with address dependencies: stores reach all harts at once',
    harts: [
      ['sw s0,0(a0)'],
      ['lw t0,0(a0)', 'xor t2,t0,t0', 'add t2,t2,a1', 'lw t1,0(t2)'],
      ['sw s0,0(a1)'],
      ADDRESS.map((line) => line),
    ],
    exists: '1:t0=1 /\\ 1:t1=0 /\\ 3:t0=1 /\\ 3:t1=0',
    allowed: false,
  },
  {
    name: 'IRIW without dependencies',
    harts: [['sw s0,0(a0)'], ['lw t0,0(a0)', 'lw t1,0(a1)'], ['sw s0,0(a1)'], ['lw t0,0(a1)', 'lw t1,0(a0)']],
    exists: '1:t0=1 /\\ 1:t1=0 /\\ 3:t0=1 /\\ 3:t1=0',
    allowed: true,
  },
  {
    name: 'WRC: a store that depends on what was read is not seen before it',
    harts: [['sw s0,0(a0)'], ['lw t0,0(a0)', 'sw t0,0(a1)'], ADDRESS],
    exists: '1:t0=1 /\\ 2:t0=1 /\\ 2:t1=0',
    allowed: false,
  },
  {
    name: '2+2W without fences',
    harts: [
      ['sw s1,0(a0)', 'sw s0,0(a1)'],
      ['sw s1,0(a1)', 'sw s0,0(a0)'],
    ],
    exists: 'x=2 /\\ y=2',
    allowed: true,
  },
  {
    name: '2+2W with fences',
    harts: [
      ['sw s1,0(a0)', 'fence w,w', 'sw s0,0(a1)'],
      ['sw s1,0(a1)', 'fence w,w', 'sw s0,0(a0)'],
    ],
    exists: 'x=2 /\\ y=2',
    allowed: false,
  },
  {
    name: 'S with a fence and a data dependency',
    harts: [
      ['sw s1,0(a0)', 'fence w,w', 'sw s0,0(a1)'],
      ['lw t0,0(a1)', 'sw t0,0(a0)'],
    ],
    exists: 'x=2 /\\ 1:t0=1',
    allowed: false,
  },
  {
    name: 'R needs a full fence between the store and the load',
    harts: [PUBLISH, ['sw s1,0(a1)', 'fence w,w', 'lw t0,0(a0)']],
    exists: 'y=2 /\\ 1:t0=0',
    allowed: true,
  },
  {
    name: 'CoRR: two loads of one location do not go back',
    harts: [['sw s0,0(a0)'], ['lw t0,0(a0)', 'lw t1,0(a0)']],
    exists: MESSAGE_PASSING,
    allowed: false,
  },
  {
    name: 'CoWW: two stores to one location keep their order',
    harts: [['sw s0,0(a0)', 'sw s1,0(a0)']],
    exists: 'x=1',
    allowed: false,
  },
  {
    name: 'CoWR: a hart reads its own store or a later one',
    harts: [['sw s1,0(a0)', 'lw t0,0(a0)'], ['sw s0,0(a0)']],
    exists: '0:t0=1 /\\ x=2',
    allowed: false,
  },
  {
    name: 'RSW: two loads that read the same store are not ordered',
    harts: [
      PUBLISH,
      [
        'lw t0,0(a1)',
        'xor t2,t0,t0',
        'add t2,t2,a2',
        'lw t3,0(t2)',
        'lw t4,0(a2)',
        'xor t2,t4,t4',
        'add t2,t2,a0',
        'lw t1,0(t2)',
      ],
    ],
    exists: MESSAGE_PASSING,
    allowed: true,
  },
  {
    name: 'AMOs lose no increment',
    harts: [['amoadd.w t0,s0,(a0)'], ['amoadd.w t0,s0,(a0)']],
    exists: 'x=1',
    allowed: false,
  },
  {
    name: 'LR/SC loses no increment when both succeed',
    harts: [INCREMENT, INCREMENT],
    exists: 'x=1 /\\ 0:t1=0 /\\ 1:t1=0',
    allowed: false,
  },
  {
    name: 'LR/SC may fail for no reason',
    harts: [INCREMENT],
    exists: 'x=0 /\\ 0:t1=1',
    allowed: true,
  },
  {
    name: 'a store of another hart between LR and SC makes SC fail',
    harts: [INCREMENT, ['sw s1,0(a0)']],
    exists: '0:t0=1 /\\ 0:t1=0 /\\ x=1',
    allowed: false,
  },
  {
    name: 'MP where the flag is stored when SC has succeeded: a dependency on success',
    harts: [['lr.w t2,0(a0)', 'sc.w t1,s0,0(a0)', 'xor t2,t1,t1', 'add t2,t2,a1', 'sw s0,0(t2)'], ADDRESS],
    exists: `0:t1=0 /\\ ${MESSAGE_PASSING}`,
    allowed: false,
  },
  {
    name: 'MP where the flag is stored after SC without a dependency',
    harts: [['lr.w t2,0(a0)', 'sc.w t1,s0,0(a0)', 'sw s0,0(a1)'], ADDRESS],
    exists: `0:t1=0 /\\ ${MESSAGE_PASSING}`,
    allowed: true,
  },
];

function litmusText({ harts, exists }: Classic): string {
  const rows = Math.max(...harts.map((lines) => lines.length));
  const initial = harts.map(
    (_, hart) => `${hart}:s0=1; ${hart}:s1=2; ${hart}:a0=x; ${hart}:a1=y; ${hart}:a2=z;`,
  );
  const code = Array.from(
    { length: rows },
    (_, row) => `${harts.map((lines) => lines[row] ?? '').join(' | ')} ;`,
  );
  const heads = harts.map((_, hart) => `P${hart}`).join(' | ');
  return `RISCV classic\n{\n${initial.join('\n')}\n}\n${heads} ;\n${code.join('\n')}\nexists (${exists})\n`;
}

describe('RVWMO on the classic litmus tests', () => {
  test.each(CLASSICS)('$name', (classic) => {
    const litmus = parseLitmus(litmusText(classic));
    expect(runLitmus(litmus).observable).toBe(classic.allowed);
    expect(runLitmus(litmus, enumerateByViews).observable).toBe(classic.allowed);
    expect(outcomesOf(litmus, enumerateByViews)).toEqual(outcomesOf(litmus, enumerateExecutions));
  });
});
