import { disassemble, disassembleData } from '../../src/isa/index.ts';
import type { Step } from './builder.ts';
import { CSRS, STATE_NAMES } from './frame.ts';
import { COMPARED, LAYOUT, TRAP_FIELDS, TRAP_WORDS } from './layout.ts';
import type { Outcome } from './on-qemu.ts';
import type { Program } from './program.ts';

/** How many differences of a kind a report shows. */
const SHOWN = 5;
const csrNames = new Map([...CSRS].map(([name, number]) => [number, name]));

/** 64-bit words of an outcome by physical address. */
class Words {
  readonly #views: readonly DataView[];

  constructor(outcome: Outcome) {
    this.#views = outcome.map(({ buffer, byteOffset, length }) => new DataView(buffer, byteOffset, length));
  }

  at(address: number): bigint {
    const index = COMPARED.findIndex(([start, end]) => address >= start && address + 8 <= end);
    return this.#views[index].getBigUint64(address - COMPARED[index][0], true);
  }
}

/** Describes the differences after a program has run on both machines, with the steps to blame; undefined if none. */
export function compareOutcomes(program: Program, ours: Outcome, theirs: Outcome): string | undefined {
  if (ours.every((bytes, index) => equal(bytes, theirs[index]))) return undefined;
  const both: Both = { ours: new Words(ours), theirs: new Words(theirs) };
  const { seed, setting } = program;
  return [
    `seed ${seed}: the machines differ (${JSON.stringify(setting)})`,
    ...trapDifferences(program, both),
    ...logDifferences(program, both),
    ...registerDifferences(both),
    ...memoryDifferences(both),
  ].join('\n');
}

function equal(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): boolean {
  return Buffer.compare(a, b) === 0;
}

interface Both {
  readonly ours: Words;
  readonly theirs: Words;
}

const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

function difference(label: string, { ours, theirs }: Both, address: number): string {
  return `  ${label}: hartvisor ${hex(ours.at(address))}, QEMU ${hex(theirs.at(address))}`;
}

function differing({ ours, theirs }: Both, start: number, end: number, limit = SHOWN): number[] {
  const found: number[] = [];
  for (let address = start; address < end && found.length < limit; address += 8) {
    if (ours.at(address) !== theirs.at(address)) found.push(address);
  }
  return found;
}

function trapDifferences(program: Program, both: Both): string[] {
  const [first] = differing(both, LAYOUT.traps, LAYOUT.trapsEnd, 1);
  if (first === undefined) return [];
  const index = Math.floor((first - LAYOUT.traps) / 8 / TRAP_WORDS);
  const entry = LAYOUT.traps + index * TRAP_WORDS * 8;
  const fields = TRAP_FIELDS.map((name, field) => difference(name, both, entry + field * 8));
  const listings = new Set(
    [both.ours, both.theirs].flatMap((words) => {
      const step = stepAt(program, Number(words.at(entry + 16)) - LAYOUT.body);
      return step === undefined ? [] : [listing(program, step)];
    }),
  );
  return [`trap ${index} is the first that differs:`, ...fields, ...listings];
}

/** The innermost step that contains an offset of the body. */
function stepAt({ steps }: Program, offset: number): Step | undefined {
  return steps.findLast(({ start, end }) => offset >= start && offset < end);
}

function logDifferences(program: Program, both: Both): string[] {
  const slots = differing(both, LAYOUT.log, LAYOUT.log + program.slots.length * 8);
  let last: Step | undefined;
  return slots.flatMap((address) => {
    const slot = (address - LAYOUT.log) / 8;
    const step = program.steps[program.slots[slot]];
    const lines = [difference(`log slot ${slot}, step ${program.slots[slot]}`, both, address)];
    if (step !== last) lines.push(listing(program, step));
    last = step;
    return lines;
  });
}

function registerDifferences(both: Both): string[] {
  const end = LAYOUT.state + STATE_NAMES.length * 8;
  return differing(both, LAYOUT.state, end, STATE_NAMES.length).map((address) =>
    difference(`at the end, ${STATE_NAMES[(address - LAYOUT.state) / 8]}`, both, address),
  );
}

function memoryDifferences(both: Both): string[] {
  return differing(both, ...COMPARED[0]).map((address) =>
    difference(`memory at 0x${address.toString(16)}`, both, address),
  );
}

/** The instructions of a step, with the operands that it loads. */
function listing({ image, roles, setting }: Program, { start, end }: Step): string {
  const { xlen } = setting;
  const view = new DataView(image.buffer);
  const lines: string[] = [];
  for (let offset = start; offset < end; ) {
    const at = LAYOUT.body - LAYOUT.ram + offset;
    const low = view.getUint16(at, true);
    const length = (low & 3) === 3 ? 4 : 2;
    const bits = length === 4 ? view.getUint32(at, true) : low;
    const decoded = setting.dialect.decode(bits);
    const pc = BigInt(LAYOUT.body + offset);
    let text = decoded ? disassemble(decoded, { xlen, pc, csrNames }) : disassembleData(bits, length);
    if (decoded && decoded.rs1 === roles.pool && /^(?:f?ld|lw) /.test(text)) {
      text += ` # ${hex(view.getBigUint64(LAYOUT.poolMiddle - LAYOUT.ram + decoded.imm, true))}`;
    }
    lines.push(`    ${pc.toString(16)}: ${bits.toString(16).padStart(length * 2, '0')}  ${text}`);
    offset += length;
  }
  return lines.join('\n');
}
