/** Schedules with sleepers on real threads, against the same on plain memory. */
import { describe, expect, test } from 'vitest';
import { replayOnThreads } from '../../node/verify-host.ts';

describe('on real threads a thread that sleeps', () => {
  test.each([
    ['is woken and goes on', 'sleeper', 'V*15.S*7.V*8', 'notify(wake_sequence)=1'],
    ['finds its time over', 'sleeper-limit', 'V*16.S1*2.V*6', 'time is over'],
    ['does not fall asleep when the count has moved', 'sleeper', 'V*13.S*6.V*3', 'wake_sequence has moved'],
  ])('%s', async (_what, scenario, schedule, text) => {
    const { plan, run, diverged, outcome } = await replayOnThreads({
      protocol: 'take-mirror',
      scenario,
      schedule,
    });
    expect(diverged).toBeUndefined();
    expect(plan.steps.map((step) => step.text)).toContain(text);
    const counted = plan.steps.map(({ unread }) => !unread);
    const ofPlan = plan.steps.map(({ address, before, after }) => ({ address, before, after }));
    const ofRun = run.steps.map(({ address, before, after }) => ({ address, before, after }));
    expect(ofRun.filter((_, index) => counted[index])).toEqual(ofPlan.filter((_, index) => counted[index]));
    expect(outcome).toBe(plan.outcome);
  });

  test('sleeps to the end of a schedule that loses its interrupt', async () => {
    const { run, plan, outcome } = await replayOnThreads({ protocol: 'published', scenario: 'sleeper' });
    expect(run.results.map(({ isAsleep }) => isAsleep)).toEqual([true, false]);
    expect(outcome).toBe(plan.outcome);
    expect(outcome).toContain('VSSIP is lost');
  });
});
