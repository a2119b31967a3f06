import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROTOCOLS } from '../../interrupts/protocols.ts';
import { type JobMessage, type JobResult, runVerifyJob, type VerifyJob } from '../job.ts';

async function listing(
  protocol: string,
  scenario: string,
  more: Partial<VerifyJob> = {},
): Promise<JobResult> {
  const messages: JobMessage[] = [];
  const job: VerifyJob = {
    task: 'explain',
    protocols: [protocol],
    scenarios: [scenario],
    formats: ['c'],
    ...more,
  };
  await runVerifyJob(job, (message) => messages.push(message));
  for (const message of messages) {
    if (message.kind === 'mistake') throw new Error(message.message);
    if (message.kind === 'result') return message.result;
  }
  throw new Error('no result');
}

test('the published protocol in the C of KVM, with its barriers', async () => {
  const { exports } = await listing('published', 'ipi-after-round');
  expect(exports.c).toMatchInlineSnapshot(`
    "published in ipi-after-round: VIOLATED
    P1: VSSIP is lost: it was set, and nothing holds it any more

    /* P1: no interrupt is lost; 9 steps; VSSIP; KVM's arch/riscv/kvm/vcpu.c */

    /* At the start: v->irqs_pending[0] == 0x4, VSSIP is 1 in the cached hvip and 0 in the register */

    vCPU:
                /* WFI */
                /* exit */
         1      run_state = OUTSIDE_GUEST;
    vCPU: kvm_riscv_vcpu_sync_interrupts()
                /* sync */
         2      test_and_set_bit(2, v->irqs_pending_mask); /* 0 */
    S: kvm_riscv_vcpu_set_interrupt()
         3      set_bit(2, v->irqs_pending);
    vCPU: kvm_riscv_vcpu_sync_interrupts()
         4      clear_bit(2, v->irqs_pending);
                /* erases VSSIP, which step 3 had set */
    vCPU:
                /* block */
    S: kvm_riscv_vcpu_set_interrupt()
                smp_mb__before_atomic();
         5      set_bit(2, v->irqs_pending_mask);
    S: kvm_vcpu_kick()
         6      exit_request = 1;
         7      READ_ONCE(run_state); /* OUTSIDE_GUEST */
    vCPU:
         8      run_state = BLOCKED;
    vCPU: kvm_riscv_vcpu_has_interrupts()
         9      READ_ONCE(v->irqs_pending[0]); /* 0x0 */
    "
  `);
});

test('the header, where an order is missing', async () => {
  const { exports } = await listing('take-mirror', 'one-mail', { memory: 'rvwmo', without: 'set .rl' });
  expect(exports.c).toMatchInlineSnapshot(`
    "take-mirror without .rl of set: atomic_fetch_or_release(pending) in
    one-mail under RVWMO: VIOLATED
    P6: the handler never reads the message of S

    /* P6: the payload is visible to the handler; 13 steps; VSSIP; c/vcpu_irqs.h */

    vCPU:
                /* enter */
         1      run_state = IN_GUEST;
         2      exit_request = 0;
                smp_mb();
    S: a store takes effect ahead of its turn
         3      v->pending[0] = 0x4;
                /* step 9, ahead of its turn */
    vCPU: vcpu_irqs_flush()
                /* flush */
         4      VCPU_IRQS_LOAD(&v->pending[0]); /* 0x4 */
         5      VCPU_IRQS_FETCH_ANDNOT_ACQUIRE(&v->pending[0], 0x4); /* 0x4 */
    vCPU:
                /* takes VSSIP, clears it */
         6      xchg(&mail_S, 0); /* 0 */
                /* WFI */
                /* exit */
         7      run_state = OUTSIDE_GUEST;
                /* sync */
                /* block */
    S:
         8      mail_S = 1;
    S: vcpu_irqs_set()
         9      VCPU_IRQS_FETCH_OR_RELEASE(&v->pending[0], 0x4); /* 0x0 */
                /* in effect since step 3 */
                /* without .rl */
    S: the kick
                VCPU_IRQS_KICK_MB();
        10      exit_request = 1;
        11      READ_ONCE(run_state); /* OUTSIDE_GUEST */
    vCPU:
        12      run_state = BLOCKED;
                smp_mb();
    vCPU: vcpu_irqs_has()
        13      VCPU_IRQS_LOAD(&v->pending[0]); /* 0x0 */
    "
  `);
});

test('a look at the run state is part of a kick only behind the request to leave', async () => {
  const { exports } = await listing('direct', 'remote-fence');
  expect(exports.c).toMatch(/F: vcpu_kick\(\)\n +\d+ +exit_request = 1;\nF:\n/);
  expect(exports.c).toMatch(/F:\n +\d+ +READ_ONCE\(exit_count\);.*\n +\d+ +READ_ONCE\(run_state\);/);
});

test('every macro that a listing names is one of the header', async () => {
  const header = readFileSync(new URL('../../../c/vcpu_irqs.h', import.meta.url), 'utf8');
  const { exports } = await listing('take-mirror', 'one-mail', { memory: 'rvwmo', without: 'set .rl' });
  const names = exports.c?.match(/\b(VCPU_IRQS_\w+|vcpu_irqs_\w+)\(/g) ?? [];
  expect(names.length).toBeGreaterThan(4);
  for (const name of names) expect(header).toContain(name);
});

test('a protocol that is proven has nothing to list', async () => {
  const { exports, json } = await listing('take-mirror', 'one-ipi');
  expect(json.verdict).toBe('PROVEN');
  expect(exports.c).toMatch(
    /^take-mirror in one-ipi: PROVEN for every number of senders\nevery one of the \d+ states was explored\n$/,
  );
});

test.each(PROTOCOLS.map(({ name }) => name))('%s can be shown in C', async (name) => {
  const { exports } = await listing(name, 'late-sync');
  expect(exports.c).toMatch(/ {4}\d {6}.*;/);
  expect(exports.c).not.toContain('undefined');
});
