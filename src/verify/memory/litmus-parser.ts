/**
 * Reads RISC-V litmus tests in the format of the diy tools: a header, initial values in braces, one column of
 * instructions for each hart, and a condition.
 */
import { InputError } from '../../errors/input-error.ts';
import { type AssemblyOptions, numberOf, parseInstruction, registerNumber } from './litmus-assembly.ts';
import { type Condition, type Names, parseCondition } from './litmus-condition.ts';
import { addressOf, codeAddress, type Instruction, type Program } from './program.ts';

export interface LitmusTest {
  readonly name: string;
  readonly program: Program;
  /** Names of the locations, in the order of the program's memory. */
  readonly locations: readonly string[];
  readonly quantifier: 'exists' | '~exists' | 'forall';
  readonly condition: Condition;
  /** Only executions for which this holds count. */
  readonly filter: Condition | undefined;
}

interface Column {
  readonly lines: string[];
  /** The index of the instruction after each label. */
  readonly labels: Map<string, number>;
}

/** @throws InputError, with the test's name, for what the models do not know. */
export function parseLitmus(text: string, options: AssemblyOptions = {}): LitmusTest {
  const plain = text.replace(/\(\*[\s\S]*?\*\)/g, ' ');
  const name = /^\s*RISCV\s+(.+)/.exec(plain)?.[1].trim();
  if (name === undefined) throw new InputError("A litmus test for RISC-V begins with 'RISCV' and a name");
  const parts =
    /^([\s\S]*?)\{([\s\S]*?)\}([\s\S]*?)^\s*((?:locations|filter|exists|~\s*exists|forall)[\s\S]*)$/m.exec(
      plain,
    );
  if (parts === null) {
    throw new InputError(
      `${name}: a litmus test has initial values in braces, columns of code, and a condition`,
    );
  }
  try {
    return new LitmusReader(name, { initial: parts[2], code: parts[3], final: parts[4] }, options).read();
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${name}: ${error.message}`);
    throw error;
  }
}

class LitmusReader implements Names {
  readonly #name: string;
  readonly #locations: string[] = [];
  readonly #memory: number[] = [];
  readonly #registers: Map<number, number>[] = [];
  readonly #columns: readonly Column[];
  readonly #initial: readonly string[];
  readonly #final: string;
  readonly #options: AssemblyOptions;

  constructor(
    name: string,
    { initial, code, final }: { initial: string; code: string; final: string },
    options: AssemblyOptions,
  ) {
    this.#name = name;
    this.#options = options;
    this.#initial = initial
      .split(';')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    this.#columns = columnsOf(code);
    this.#final = final;
  }

  read(): LitmusTest {
    for (const _ of this.#columns) this.#registers.push(new Map());
    for (const text of this.#initial) this.#initialize(text);
    const harts = this.#columns.map((column) => this.#assemble(column));
    checkWidths(harts);
    const filter = /(?:^|\n)\s*filter\s+([\s\S]*?)(?=^\s*(?:exists|~\s*exists|forall))/m.exec(
      this.#final,
    )?.[1];
    const match = /(?:^|\n)\s*(exists|~\s*exists|forall)([\s\S]*)$/.exec(this.#final);
    if (match === null) throw new InputError("the condition begins with 'exists', '~exists' or 'forall'");
    const condition = parseCondition(match[2], this);
    return {
      name: this.#name,
      program: { harts, registers: this.#registers, memory: this.#memory },
      locations: this.#locations,
      quantifier: match[1].startsWith('~') ? '~exists' : match[1] === 'exists' ? 'exists' : 'forall',
      condition,
      filter: filter === undefined ? undefined : parseCondition(filter, this),
    };
  }

  register(name: string): number {
    return registerNumber(name);
  }

  location(name: string): number {
    return /^[A-Za-z_]\w*$/.test(name) ? this.#locationNamed(name) : -1;
  }

  value(text: string): number {
    const number = numberOf(text);
    if (number !== undefined) return number;
    const label = /^P?(\d+):(\w+)$/.exec(text);
    if (label !== null) {
      const index = this.#columns[Number(label[1])]?.labels.get(label[2]);
      if (index === undefined) throw new InputError(`there is no label '${text}'`);
      return codeAddress(index);
    }
    const location = this.location(text.replace(/^&/, ''));
    if (location < 0) throw new InputError(`'${text}' is neither a 32-bit number nor a location`);
    return addressOf(location);
  }

  #locationNamed(name: string): number {
    const index = this.#locations.indexOf(name);
    if (index >= 0) return index;
    this.#locations.push(name);
    this.#memory.push(0);
    return this.#locations.length - 1;
  }

  /** `0:x5=1`, `x=1`, `int x=1`, `int *p = &z`, `uint64_t 0:x5` */
  #initialize(text: string): void {
    const match = /^(?:\w+\s+|\w+\s*\*\s*)?\*?\s*(?:(\d+):)?(\w+)\s*(?:=\s*(\S+))?$/.exec(text);
    if (match === null) throw new InputError(`the initial value '${text}' is not understood`);
    const [, hart, name, value] = match;
    if (hart === undefined) {
      const location = this.#locationNamed(name);
      if (value !== undefined) this.#memory[location] = this.value(value);
      return;
    }
    const register = registerNumber(name);
    const registers = this.#registers[Number(hart)];
    if (register < 0 || registers === undefined)
      throw new InputError(`'${text}' names no register of the test`);
    if (value !== undefined) registers.set(register, this.value(value));
  }

  #assemble(column: Column): Instruction[] {
    return column.lines.map((line) => {
      const target = (label: string): number => {
        const index = column.labels.get(label);
        if (index === undefined) throw new InputError(`'${line}' goes to a label that does not exist`);
        return index;
      };
      return parseInstruction(line, target, this.#options);
    });
  }
}

function columnsOf(code: string): Column[] {
  const rows = code
    .split(';')
    .map((row) => row.trim())
    .filter((row) => row !== '');
  const heads = (rows.shift() ?? '').split('|').map((head) => head.trim());
  if (heads.some((head, index) => head !== `P${index}`)) {
    throw new InputError(`the columns are '${heads.join(' | ')}', not P0 | P1 and so on`);
  }
  const columns = heads.map((): Column => ({ lines: [], labels: new Map() }));
  for (const row of rows) {
    for (const [index, cell] of row.split('|').entries()) {
      const column = columns[index];
      if (column === undefined) throw new InputError(`the row '${row}' has too many columns`);
      let text = cell.trim();
      for (let label = /^(\w+)\s*:/.exec(text); label !== null; label = /^(\w+)\s*:/.exec(text)) {
        column.labels.set(label[1], column.lines.length);
        text = text.slice(label[0].length).trim();
      }
      if (text !== '') column.lines.push(text.replace(/\s+/g, ' '));
    }
  }
  return columns;
}

/** The models have one size of access; tests that mix them would be answered wrongly. */
function checkWidths(harts: readonly (readonly Instruction[])[]): void {
  const widths = new Set(harts.flat().flatMap((one) => ('width' in one ? [one.width] : [])));
  if (widths.size > 1) throw new InputError('accesses of different sizes are outside of the models');
}
