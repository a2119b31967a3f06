import { describe, expect, test } from 'vitest';
import { InterruptFile } from '../../interrupts/interrupt-file.ts';
import { takeMirror } from '../../interrupts/take-mirror.ts';
import { explain } from '../explain.ts';
import { exportHtml } from '../export/html.ts';
import { jsonResult } from '../report-json.ts';
import { type Scenario, scenario } from '../scenario.ts';
import { FILES } from '../scenarios/files.ts';
import { cellsOf, select } from '../selection.ts';
import { type VerifyResult, verify } from '../verify.ts';
import { messenger } from '../world/messages.ts';
import { vcpu } from '../world/vcpu.ts';
import { FIELD_FILES } from './kvm-swfile.ts';
import { type FileProtocol, inHart } from './way.ts';

const [locked, unlocked] = FIELD_FILES;
const kept = FILES.filter(({ group }) => group === 'default');

function named(name: string): Scenario {
  const found = FILES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

function verdictOf({ verdict, counterexample }: VerifyResult): string {
  return counterexample?.property ?? verdict;
}

describe('KVM’s interrupt file in software', () => {
  test.each(kept)('with its lock in $name', (each) => {
    // A low identity that comes after its word was read, and a high one before its own is.
    const expected = each.name === 'file-two-words' ? 'P9' : 'PROVEN';
    expect(verdictOf(verify(locked, each))).toBe(expected);
  });

  test.each(kept)('without it in $name', (each) => {
    const expected =
      { 'file-one-message': 'PROVEN', 'file-and-ipi': 'PROVEN', 'file-two-words': 'P9' }[each.name] ?? 'P4';
    expect(verdictOf(verify(unlocked, each))).toBe(expected);
  });
});

test('a wire whose handler does not ask again is forgotten, whatever keeps the file', () => {
  for (const protocol of [takeMirror, ...FIELD_FILES]) {
    const result = verify(protocol, named('file-wire-unasked'));
    expect(result.reason).toMatch(/^P4: D\d asks for service, and no message tells of it$/);
  }
});

test('a counterexample shows the bits of the file', () => {
  const result = verify(unlocked, named('file-two-messages'));
  const text = explain(result);
  expect(text).toContain('eip  eie hvip HVIP');
  expect(text).toContain('P4: the vCPU sleeps although message 3 is in its file');
  const lines = text.split('\n');
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(72);
  // Its last line: the vCPU finds nothing pending, and the message is in the file.
  expect(lines.findLast((line) => line.includes('READ_ONCE(pend)'))).toMatch(/=0 +1 {4}1 {4}0 {4}0$/);
  expect(exportHtml(jsonResult(result), 'title')).toContain('>eip</text>');
});

test('the matrix has the shipped file and the ways of the field where there is a file, and only there', () => {
  const cells = cellsOf(select({ protocols: [], scenarios: ['file-busy', 'line'] }));
  const of = (name: string) =>
    cells.filter((cell) => cell.scenario.name === name).map(({ protocol }) => protocol.name);
  expect(of('line')).not.toContain('kvm-swfile');
  expect(of('file-busy')).toEqual(['take-mirror', 'kvm-swfile', 'kvm-swfile-unlocked']);
  const asked = cellsOf(select({ protocols: ['kvm-swfile'], scenarios: ['line'] }));
  expect(asked.map(({ protocol }) => protocol.name)).toEqual(['kvm-swfile']);
});

test('messages for a vCPU that does not take them are a mistake of the scenario', () => {
  const to = (threads: Scenario['threads'], identities: readonly number[] = []) =>
    scenario({ ...named('file-busy'), name: 'lacking', identities, threads });
  expect(() => verify(takeMirror, to([vcpu(), messenger({ sends: [3] })]))).toThrow(
    "Thread M sends messages of identity 3, but the scenario's vCPU takes none.",
  );
  expect(() => verify(takeMirror, to([vcpu({ file: {} }), messenger({ sends: [4] })], [3]))).toThrow(
    "identity 4, but the scenario's vCPU takes 3.",
  );
});

test('a protocol may bring a way of its own', () => {
  class Deaf extends InterruptFile {
    override receive(): boolean {
      Atomics.load(this.words, 0);
      return false;
    }
  }
  const deaf: FileProtocol = { ...takeMirror, name: 'deaf', file: inHart(Deaf) };
  expect(verdictOf(verify(deaf, named('file-one-message')))).toBe('P1');
});
