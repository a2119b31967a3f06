import { expect, test } from 'vitest';
import { expectedByFolder, expectedByLog, litmusReport } from './litmus-report.ts';

const SB = `RISCV SB
"PodWR Fre PodWR Fre"
{ 0:x5=1; 0:x6=x; 0:x8=y; 1:x5=1; 1:x6=y; 1:x8=x; }
 P0          | P1          ;
 sw x5,0(x6) | sw x5,0(x6) ; (* both store *)
 lw x7,0(x8) | lw x7,0(x8) ;
exists
(0:x7=0 /\\ 1:x7=0)
`;
const ONE = `RISCV ONE
{ 0:x6=x; }
 P0          ;
 lw x7,0(x6) ;
forall (0:x7=0)
`;
const NEVER = ONE.replace('ONE', 'NEVER').replace('forall (0:x7=0)', '~exists (0:x7=1)');

test('counts what agrees, what does not, and why tests did not run', () => {
  const files = [
    { path: 'RELAX/SB.litmus', text: SB },
    { path: 'SAFE/SB-again.litmus', text: SB },
    { path: 'SAFE/ONE.litmus', text: ONE },
    { path: 'SAFE/bad.litmus', text: SB.replace('lw x7,0(x8) |', 'frob x7 |') },
    { path: 'SAFE/mixed.litmus', text: SB.replace('lw', 'ld') },
  ];
  const report = litmusReport(files, expectedByFolder);
  expect(report).toMatchObject({ run: 3, observable: 2, judged: 2, agreeing: 1, incomplete: [] });
  expect(report.disagreeing).toEqual([{ name: 'SB', path: 'SAFE/SB-again.litmus', expected: false }]);
  expect([...report.skipped]).toEqual([
    ["'frob x7': the memory models do not know the instruction 'frob'", ['SAFE/bad.litmus']],
    ['accesses of different sizes are outside of the models', ['SAFE/mixed.litmus']],
  ]);
});

test('the folder promises nothing of fence.i, which is no ordering of RVWMO', () => {
  expect(expectedByFolder('MP+fence.rw.rw+ctrl', 'suite/SAFE/x.litmus')).toBe(false);
  expect(expectedByFolder('MP+fence.rw.rw+ctrlfencei', 'suite/SAFE/x.litmus')).toBeUndefined();
  expect(expectedByFolder('MP', 'UNSAFE/x.litmus')).toBeUndefined();
});

test('what is too long for the model, and what is no test at all, is skipped with its reason', () => {
  const long = ONE.replace(' lw x7,0(x6) ;', ' lw x7,0(x6) ;\n'.repeat(32)).replace('forall', 'exists');
  const files = [long, 'C SB\n'].map((text) => ({ path: 'x.litmus', text }));
  expect([...litmusReport(files, () => undefined).skipped.keys()]).toEqual([
    'an execution has 32 memory operations, and the model takes at most 31',
    "A litmus test for RISC-V begins with 'RISCV' and a name",
  ]);
});

test('reads what herd observed', () => {
  const log = `Test SB Allowed
States 4
Condition exists (0:x7=0 /\\ 1:x7=0)
Observation SB Sometimes 1 3
Test NEVER Forbidden
Condition ~exists (0:x7=1)
Observation NEVER Never 0 1
Test ONE Required
Condition forall (0:x7=0)
Observation ONE Always 1 0
`;
  const files = [SB, ONE, NEVER].map((text) => ({ path: 'x', text }));
  expect(litmusReport(files, expectedByLog(log))).toMatchObject({ judged: 3, agreeing: 3 });
  const wrong = log.replace('Sometimes 1 3', 'Never 0 3').replace('Always 1 0', 'Sometimes 1 1');
  expect(litmusReport(files, expectedByLog(wrong)).disagreeing.map((one) => one.name)).toEqual(['SB', 'ONE']);
});

test('says which tests have loops that were cut', () => {
  const loop = ONE.replace(' lw x7,0(x6) ;', 'L: lw x7,0(x6) ;\n beq x7,x0,L ;').replace(
    /forall.*/,
    'exists (0:x7=1)',
  );
  const report = litmusReport([{ path: 'loop.litmus', text: loop }], () => undefined);
  expect(report).toMatchObject({ run: 1, observable: 0, judged: 0, incomplete: ['loop.litmus'] });
});
