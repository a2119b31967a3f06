import { expect, test } from 'vitest';
import { protocolByName } from '../../interrupts/protocols.ts';
import { parseLitmus } from '../memory/litmus-parser.ts';
import { runLitmus } from '../memory/litmus-run.ts';
import { jsonResult } from '../report-json.ts';
import { SCENARIOS } from '../scenarios/index.ts';
import { verify } from '../verify.ts';
import { exportHtml } from './html.ts';
import { exportLitmus } from './litmus.ts';
import { exportMermaid } from './mermaid.ts';
import { exportPromela } from './promela.ts';

function run(protocol: string, scenarioName: string) {
  const scenario = SCENARIOS.find(({ name }) => name === scenarioName);
  if (scenario === undefined) throw new Error(`no scenario ${scenarioName}`);
  const result = verify(protocolByName(protocol), scenario);
  if (result.counterexample === undefined) throw new Error(`${protocol} is ${result.verdict}`);
  return { scenario, json: jsonResult(result), counterexample: result.counterexample };
}

test('Mermaid', () => {
  expect(exportMermaid(run('published', 'ipi-after-round').json)).toMatchInlineSnapshot(`
    "sequenceDiagram
      title published in ipi-after-round: P1: VSSIP is lost: it was set, and nothing holds it any more
      participant T0 as vCPU
      participant T1 as S
      participant pending as pending.VSSIP
      participant mask as mask.VSSIP
      Note over T0: WFI
      Note over T0: exit
      T0->>T0: 1. run_state ≔ OUTSIDE
      Note over T0: sync
      T0->>mask: 2. test_and_set_bit(mask)=0 → 1
      T1->>pending: 3. set_bit(pend) → 1
      rect rgba(220, 60, 50, 0.25)
      T0->>pending: 4. clear_bit(pend) → 0
      Note over pending: erases VSSIP, which step 3 had set
      end
      Note over T0: block
      T1->>mask: 5. set_bit(mask) → 1
      T1->>T1: 6. exit_request ≔ 1
      T1->>T1: 7. run_state is OUTSIDE
      T0->>T0: 8. run_state ≔ BLOCKED
      T0->>pending: 9. READ_ONCE(pend)=0 → 0
      Note over T0,mask: P1: VSSIP is lost: it was set, and nothing holds it any more
    "
  `);
});

test('a counterexample that goes on for ever, or of a level, is drawn as well', () => {
  for (const [protocol, scenario] of [
    ['xchg', 'line'],
    ['direct', 'three-senders'],
  ] as const) {
    const { json } = run(protocol, scenario);
    expect(exportMermaid(json)).toContain('sequenceDiagram');
    expect(exportHtml(json, 'title')).toContain('</html>');
  }
});

test('a litmus test', () => {
  expect(exportLitmus(run('xen', 'ipi-after-round').counterexample, 'xen-ipi')).toMatchInlineSnapshot(`
    "RISCV xen-ipi
    (* P0 is vCPU, P1 is S. P1: VSSIP is lost: it was set, and nothing holds it any more *)
    {
    0:x31=run_state;
    0:x30=irqs_pending_mask;
    0:x29=irqs_pending;
    1:x31=irqs_pending;
    1:x30=irqs_pending_mask;
    int irqs_pending=4;
    int irqs_pending_mask=0;
    int run_state=3;
    }
     P0                          | P1                         ;
     fence rw,rw                 | ori x5,x0,4                ;
     ori x5,x0,2                 | amoor.w.aq.rl x10,x5,(x31) ;
     sw x5,0(x31)                | ori x5,x0,4                ;
     fence rw,rw                 | amoor.w.aq.rl x11,x5,(x30) ;
     ori x5,x0,4                 |                            ;
     amoor.w.aq.rl x11,x5,(x30)  |                            ;
     ori x5,x0,-5                |                            ;
     amoand.w.aq.rl x12,x5,(x29) |                            ;
     fence rw,rw                 |                            ;
     ori x5,x0,4                 |                            ;
     sw x5,0(x31)                |                            ;
     fence rw,rw                 |                            ;
     lw x14,0(x29)               |                            ;
     fence rw,rw                 |                            ;
    exists
    (0:x11=0 /\\ 0:x12=4 /\\ 0:x14=0 /\\ 1:x10=4 /\\ 1:x11=4 /\\ irqs_pending=0 /\\ irqs_pending_mask=4 /\\ run_state=4)
    "
  `);
});

test('the weak memory model allows what happens under sequential consistency', () => {
  const text = exportLitmus(run('published', 'ipi-after-round').counterexample, 'published');
  expect(runLitmus(parseLitmus(text)).observable).toBe(true);
  // With another outcome it would not be the same interleaving.
  const impossible = text.replace(/irqs_pending=0 \/\\/, 'irqs_pending=4 /\\');
  expect(impossible).not.toBe(text);
  expect(runLitmus(parseLitmus(impossible)).observable).toBe(false);
});

test('a page is self-contained, follows light and dark, and marks the step that erases', () => {
  const { json, scenario } = run('published', 'ipi-after-round');
  const page = exportHtml(json, scenario.title);
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).not.toMatch(/(src|href)=|https?:|@import|<script/);
  expect(page.match(/class="bad-chip"/g)).toHaveLength(1);
  expect(page).toContain('▲ erases VSSIP, which step 3 had set');
  expect(page).toContain('verify replay published/ipi-after-round');
});

test('text from outside does not become markup', () => {
  const { json } = run('published', 'ipi-after-round');
  const page = exportHtml({ ...json, reason: '<b>&"' }, '<i>');
  expect(page).toContain('&lt;b&gt;&amp;&quot;');
  expect(page).not.toMatch(/<[bi]>/);
});

test('Promela has the words, a process for each thread, and the condition at rest', () => {
  const { scenario } = run('published', 'ipi-after-round');
  const model = exportPromela(protocolByName('published'), scenario);
  expect(model.match(/^(int|bool|active) .*$/gm)).toMatchInlineSnapshot(`
    [
      "int w_run_state = 3;",
      "int w_irqs_pending = 4;",
      "int w_exit_waiters = 0;",
      "int w_irqs_pending_mask = 0;",
      "int w_saved_hvip = 0;",
      "int w_saved_hvip_1 = 0;",
      "int w_owner = 1;",
      "int w_exit_request = 0;",
      "int w_requests = 0;",
      "int w_run_queue = 0;",
      "bool owed_2 = false;",
      "active proctype w_vCPU() {",
      "active proctype w_S() {",
      "active proctype rest() {",
    ]
  `);
  expect(model).toContain('timeout -> assert(!owed_2)');
});
