/** Tests that the words of the page's lessons about their code are the checker's. */
import { expect, test } from 'vitest';
import { LESSONS } from '../../page/learn/lessons.ts';
import { loadPlugin } from '../../src/verify/plugin.ts';
import { SCENARIOS } from '../../src/verify/scenarios/index.ts';
import { verify } from '../../src/verify/verify.ts';

const module = new URL('../../src/verify/public.ts', import.meta.url).href;

test('there are six', () => {
  expect(LESSONS).toHaveLength(6);
});

for (const [index, { title, choices }] of LESSONS.entries()) {
  test(`${index + 1}: ${title}`, async () => {
    for (const [place, choice] of choices.entries()) {
      const code = choice.code.replace("'hartvisor/verify'", JSON.stringify(module));
      // Else the same code as in a lesson before would be the module that is there.
      const text = encodeURIComponent(`${code}// ${index}.${place}`);
      const { protocols } = await loadPlugin(`data:text/javascript,${text}`, choice.title);
      const [protocol] = protocols;
      if (protocol === undefined) throw new Error('no protocol');
      const found = Object.keys(choice.verdicts).map((name) => {
        const scenario = SCENARIOS.find((each) => each.name === name);
        if (scenario === undefined) throw new Error(`no scenario ${name}`);
        return [name, verify(protocol, scenario).verdict];
      });
      expect(Object.fromEntries(found), choice.title).toEqual(choice.verdicts);
    }
  });
}
