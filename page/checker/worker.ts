/**
 * The checker on a thread of the page. This module and all that it imports are served as they are, with the types
 * blanked out (`scripts/page/checker-modules.ts`): what runs here is the source that ships, line by line.
 */
import { InputError } from '../../src/errors/input-error.ts';
import type { Protocol } from '../../src/interrupts/protocol.ts';
import { PROTOCOLS } from '../../src/interrupts/protocols.ts';
import { loadPlugin } from '../../src/verify/plugin.ts';
import { exploredBy, jsonResult } from '../../src/verify/report-json.ts';
import type { Scenario } from '../../src/verify/scenario.ts';
import { SCENARIOS } from '../../src/verify/scenarios/index.ts';
import { judgeRun, planReplay } from '../../src/verify/threaded/plan.ts';
import { CONTROL_WORDS } from '../../src/verify/threaded/replay-thread.ts';
import { verify } from '../../src/verify/verify.ts';
import {
  type Answer,
  type Catalogue,
  type Finding,
  OWN_FILE,
  type ProtocolChoice,
  type Question,
} from './questions.ts';

/** Milliseconds for one scenario; the default ones take a second. */
const MOST_TIME = 60_000;
/** A page has less memory than a program of one's own. */
const MOST_BYTES = 512 * 2 ** 20;

addEventListener('message', ({ data }: MessageEvent<Question>) => {
  answer(data).catch((error: unknown) => {
    if (error instanceof InputError) post({ kind: 'mistake', message: error.message });
    else post({ kind: 'mistake', message: `The checker itself has failed. ${String(error)}` });
  });
});

function post(message: Answer): void {
  postMessage(message);
}

async function answer(question: Question): Promise<void> {
  if (question.kind === 'list') {
    post({ kind: 'list', catalogue: catalogue() });
    return;
  }
  if (question.kind === 'plan') {
    post({ kind: 'plan', plan: await planReplay(question.request), controlWords: CONTROL_WORDS });
    return;
  }
  if (question.kind === 'judge') {
    post({ kind: 'outcome', outcome: await judgeRun(question.request, question.run) });
    return;
  }
  const scenario = SCENARIOS.find(({ name }) => name === question.scenario);
  if (scenario === undefined) throw new InputError(`There is no scenario "${question.scenario}".`);
  const protocol = await protocolOf(question.protocol);
  post({ kind: 'finding', finding: explore(protocol, scenario) });
}

function catalogue(): Catalogue {
  return {
    protocols: PROTOCOLS.map(({ name, provenance }) => ({ name, provenance })),
    scenarios: SCENARIOS.filter(({ identities, group }) => identities === undefined && group !== 'deep').map(
      ({ name, title, about, group }) => ({ name, title, about, group }),
    ),
  };
}

async function protocolOf(choice: ProtocolChoice): Promise<Protocol> {
  if ('name' in choice) {
    const found = PROTOCOLS.find(({ name }) => name === choice.name);
    if (found === undefined) throw new InputError(`There is no protocol "${choice.name}".`);
    return found;
  }
  const url = URL.createObjectURL(new Blob([moduleOf(choice.code)], { type: 'text/javascript' }));
  try {
    const [own] = (await loadPlugin(url, OWN_FILE)).protocols;
    if (own === undefined) throw new InputError('The code exports no protocol.');
    return own;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Code of a person as a module: the package's name becomes its address here, and stacks show a name for people. */
function moduleOf(code: string): string {
  const address = new URL('../../src/verify/public.ts.js', import.meta.url).href;
  return `${code.replace(/(['"])hartvisor\/verify\1/g, JSON.stringify(address))}\n//# sourceURL=${OWN_FILE}\n`;
}

function explore(protocol: Protocol, scenario: Scenario): Finding {
  const began = performance.now();
  const result = verify(protocol, scenario, {
    maxTime: MOST_TIME,
    maxBytes: MOST_BYTES,
    onProgress: ({ states }) => post({ kind: 'progress', states }),
  });
  const { counterexample, ...json } = jsonResult(result);
  return {
    ...{ protocol: json.protocol, scenario: json.scenario, verdict: json.verdict },
    ...{ reason: json.reason, states: json.states, milliseconds: performance.now() - began },
    ...(counterexample === undefined ? {} : { counterexample }),
    threads: result.counterexample?.replay.names ?? [],
    explored: exploredBy([json]),
  };
}
