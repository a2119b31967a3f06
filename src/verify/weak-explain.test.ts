import { expect, test } from 'vitest';
import { type ExportFormat, type JobMessage, type JobResult, runVerifyJob } from './job.ts';
import { parseLitmus } from './memory/litmus-parser.ts';
import { runLitmus } from './memory/litmus-run.ts';

async function explained(
  protocol: string,
  scenario: string,
  without?: string,
  formats: readonly ExportFormat[] = [],
): Promise<JobResult> {
  const messages: JobMessage[] = [];
  const order = without === undefined ? {} : { without };
  await runVerifyJob(
    { task: 'explain', memory: 'rvwmo', protocols: [protocol], scenarios: [scenario], formats, ...order },
    (message) => messages.push(message),
  );
  for (const message of messages) {
    if (message.kind === 'mistake') throw new Error(message.message);
    if (message.kind === 'result') return message.result;
  }
  throw new Error('no result');
}

test('a store that takes effect ahead of its turn, and the order that is missing', async () => {
  const { text } = await explained('take-mirror', 'one-mail', 'set .rl');
  expect(Math.max(...text.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(72);
  expect(text).toMatchInlineSnapshot(`
    "take-mirror without .rl of set: atomic_fetch_or_release(pending) in
    one-mail under RVWMO: VIOLATED
    P6: the handler never reads the message of S
    (P6: the payload is visible to the handler; 13 steps; bits of VSSIP)

       vCPU                     S                        pend mask hvip HVIP
       (start)                                              0    0    0    0
       [enter]
     1 run_state := IN_GUEST                                0    0    0    0
     2 exit_request := 0                                    0    0    0    0
     3                          pend = 1 takes effect       1    0    0    0
       ... step 9, ahead of its turn
       [flush]
     4 READ_ONCE(pend)=1                                    1    0    0    0
     5 atomic_fetch_andnot_acqu                             0    0    1    1
       ire(pend)=1
       [takes VSSIP, clears it]
     6 xchg(mail_S, 0)=0                                    0    0    1    0
       [WFI]
       [exit]
     7 run_state := OUTSIDE                                 0    0    1    0
       [sync]
       [block]
     8                          mail_S := 1                 0    0    0    0
     9                          atomic_fetch_or_release(    0    0    0    0
                                pend)=0
       ... in effect since step 3
       ... without .rl
    10                          exit_request := 1           0    0    0    0
    11                          run_state is OUTSIDE        0    0    0    0
    12 run_state := BLOCKED                                 0    0    0    0
    13 READ_ONCE(pend)=0                                    0    0    0    0

    schedule: V*3.S^irqs_pending=4.V*9.S.S!.S*2.V*3
    "
  `);
});

test('what fails under sc fails in the same way, where accesses are fully ordered', async () => {
  const { text, json } = await explained('published', 'ipi-after-round');
  expect(text).toContain('under RVWMO: VIOLATED');
  expect(text).toContain('^^^ erases VSSIP, which step');
  expect(json.counterexample?.steps.flatMap(({ remarks }) => remarks)).toEqual([]);
});

test('a load that does not see what is there', async () => {
  const { json } = await explained('take-mirror', 'one-ipi', 'block fence');
  const stale = json.counterexample?.steps.find(({ remarks }) => remarks.includes('does not see step 5'));
  expect(stale?.text).toBe('READ_ONCE(pend)=0');
});

test('JSON names what is missing, and what follows the violation', async () => {
  const { json } = await explained('take-mirror', 'one-mail', 'set .rl');
  expect(json.counterexample?.weak).toMatchObject({
    missing: { at: expect.stringMatching(/^set: /), without: '.rl' },
  });
  const remarks = json.counterexample?.steps.flatMap((step) => step.remarks);
  expect(remarks).toContain('without .rl');
  expect(remarks?.some((text) => text.endsWith('ahead of its turn'))).toBe(true);
});

test('pictures have the same', async () => {
  const { exports } = await explained('take-mirror', 'one-mail', 'set .rl', ['html', 'mermaid']);
  for (const picture of [exports.html, exports.mermaid]) {
    expect(picture).toContain('ahead of its turn');
    expect(picture).toContain('without .rl');
    expect(picture).toContain('under RVWMO');
  }
  expect(exports.html).not.toContain('On real threads');
});

test.each([['take-mirror', 'one-mail', 'set .rl', /(amoor\.w)( )/, '$1.rl$2']] as const)(
  'litmus: what %s does in %s without %s is allowed, with it forbidden',
  async (...of) => {
    const [protocol, scenario, without, weaker, whole] = of;
    const { exports } = await explained(protocol, scenario, without, ['litmus']);
    const text = exports.litmus ?? '';
    expect(text).toMatch(weaker);
    expect(runLitmus(parseLitmus(text)).observable).toBe(true);
    expect(runLitmus(parseLitmus(text.replaceAll(new RegExp(weaker, 'g'), whole))).observable).toBe(false);
  },
);

test('an order has to be named so that one fits', async () => {
  await expect(explained('take-mirror', 'mail', 'smp_mb')).rejects.toThrow('fits none of its orders');
  await expect(explained('xen-minimal-patch', 'mail', '.rl')).rejects.toThrow('fits several orders');
});
