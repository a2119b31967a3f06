import { ByteReader } from './byte-reader.ts';
import { VALTYPE_CODE } from './expression.ts';
import {
  atomicOpcode,
  memoryOpcode,
  numericOpcode,
  type Opcode,
  saturatingOpcode,
  vectorOpcode,
} from './opcodes.ts';

const SECTION = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const;
const HEADER_BYTES = 8;
const TYPE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(VALTYPE_CODE).map(([name, code]) => [code, name]),
);

interface Signature {
  readonly params: readonly string[];
  readonly results: readonly string[];
}

interface Callable {
  readonly name: string;
  readonly type: number;
}

interface Contents {
  readonly types: Signature[];
  readonly imports: string[];
  readonly functions: Callable[];
  readonly exports: Map<number, string>;
  readonly bodies: Uint8Array[];
}

/**
 * A module that {@link ModuleBuilder} has written in the text format of WebAssembly, for people: one statement a line,
 * expressions as trees.
 *
 * @throws RangeError when the module contains parts that the builder does not write
 */
export function moduleText(bytes: Uint8Array): string {
  const contents = readModule(bytes);
  const { types, imports, functions, exports, bodies } = contents;
  const imported = functions.length - bodies.length;
  const lines = ['(module', ...types.map((type) => `  (type (func${signature(type)}))`), ...imports];
  for (const [index, body] of bodies.entries()) {
    const { name, type } = functions[imported + index];
    lines.push(`  (func $${name} (type ${type})`);
    lines.push(...new FunctionText(body, contents, types[type].results.length).lines());
    lines.push('  )');
  }
  for (const [index, name] of exports) lines.push(`  (export "${name}" (func ${index}))`);
  return [...lines, ')'].join('\n');
}

function signature({ params, results }: Signature): string {
  const list = (word: string, types: readonly string[]) =>
    types.length === 0 ? '' : ` (${word} ${types.join(' ')})`;
  return list('param', params) + list('result', results);
}

function readModule(bytes: Uint8Array): Contents {
  const reader = new ByteReader(bytes, HEADER_BYTES);
  const contents: Contents = { types: [], imports: [], functions: [], exports: new Map(), bodies: [] };
  while (!reader.atEnd) {
    const id = reader.u8();
    readSection(id, new ByteReader(reader.take(reader.u32())), contents);
  }
  return contents;
}

function readSection(id: number, reader: ByteReader, contents: Contents): void {
  const each = (read: (index: number) => void): void => {
    const count = reader.u32();
    for (let index = 0; index < count; index++) read(index);
  };
  switch (id) {
    case SECTION.type:
      each(() => {
        reader.u8();
        contents.types.push({ params: readTypes(reader), results: readTypes(reader) });
      });
      break;
    case SECTION.import:
      each(() => readImport(reader, contents));
      break;
    case SECTION.function:
      each((index) => contents.functions.push({ name: `f${index}`, type: reader.u32() }));
      break;
    case SECTION.export:
      each(() => {
        const name = reader.name();
        reader.u8();
        contents.exports.set(reader.u32(), name);
      });
      break;
    case SECTION.code:
      each(() => contents.bodies.push(reader.take(reader.u32())));
      break;
  }
}

function readTypes(reader: ByteReader): string[] {
  return Array.from({ length: reader.u32() }, () => typeName(reader.u8()));
}

function typeName(code: number): string {
  const name = TYPE_NAMES.get(code);
  if (name === undefined) throw new RangeError(`value type 0x${code.toString(16)}`);
  return name;
}

function readImport(reader: ByteReader, { imports, functions }: Contents): void {
  const from = `"${reader.name()}" `;
  const name = reader.name();
  const kind = reader.u8();
  if (kind === 0) {
    const type = reader.u32();
    functions.push({ name, type });
    imports.push(`  (import ${from}"${name}" (func $${name} (type ${type})))`);
  } else if (kind === 1) {
    reader.take(2);
    imports.push(`  (import ${from}"${name}" (table ${reader.u32()} funcref))`);
  } else {
    reader.u8();
    imports.push(`  (import ${from}"${name}" (memory ${reader.u32()} ${reader.u32()} shared))`);
  }
}

/** The block type of blocks without a value. */
const NO_VALUE = 0x40;
/** Stands for an operand that an instruction before has left on the stack. */
const ON_STACK = '';

/** One function: a stack of the texts of values that nothing has taken yet, and lines of statements. */
class FunctionText {
  readonly #reader: ByteReader;
  readonly #contents: Contents;
  readonly #results: number;
  readonly #stack: string[] = [];
  readonly #lines: string[] = [];
  /** For each block that is open whether it has a value. */
  readonly #blocks: boolean[] = [];
  #depth = 2;

  constructor(body: Uint8Array, contents: Contents, results: number) {
    this.#reader = new ByteReader(body);
    this.#contents = contents;
    this.#results = results;
  }

  lines(): readonly string[] {
    const groups = this.#reader.u32();
    for (let group = 0; group < groups; group++) {
      const count = this.#reader.u32();
      this.#line(`(local${` ${typeName(this.#reader.u8())}`.repeat(count)})`);
    }
    while (!this.#reader.atEnd) this.#instruction(this.#reader.u8());
    return this.#lines;
  }

  #line(text: string): void {
    this.#lines.push('  '.repeat(this.#depth) + text);
  }

  #pop(): string {
    const value = this.#stack.pop();
    if (value === undefined) throw new RangeError('an instruction lacks an operand');
    return value;
  }

  /** An instruction with so many operands from the stack. */
  #emit(text: string, takes: number, gives: boolean): void {
    const operands = Array.from({ length: takes }, () => this.#pop()).reverse();
    const whole = `(${[text, ...operands.filter((operand) => operand !== ON_STACK)].join(' ')})`;
    if (gives) this.#stack.push(whole);
    else this.#line(whole);
  }

  /** The start of a block; few have a value. */
  #open(text: string): void {
    const type = this.#reader.u8();
    const hasValue = type !== NO_VALUE;
    this.#line(hasValue ? `${text} (result ${typeName(type)})` : text);
    this.#blocks.push(hasValue);
    this.#depth++;
  }

  #close(): void {
    this.#depth--;
    if (this.#depth > 1) this.#line('end');
    if (this.#blocks.pop() === true) this.#stack.push(ON_STACK);
  }

  /** A branch to a block with a value leaves that on the stack if it is not taken. */
  #branchIf(): void {
    const label = this.#reader.u32();
    const condition = this.#pop();
    if (this.#blocks.at(-1 - label) === true) {
      this.#line(this.#pop());
      this.#stack.push(ON_STACK);
    }
    this.#line(`(br_if ${label} ${condition})`);
  }

  #instruction(opcode: number): void {
    const handler = this.#handlers[opcode];
    if (handler !== undefined) handler();
    else this.#plain(opcode);
  }

  readonly #handlers: Readonly<Record<number, () => void>> = {
    0: () => this.#line('unreachable'),
    2: () => this.#open('block'),
    3: () => this.#open('loop'),
    4: () => {
      this.#line(this.#pop());
      this.#open('if');
    },
    5: () => {
      this.#depth--;
      this.#line('else');
      this.#depth++;
    },
    11: () => this.#close(),
    12: () => this.#emit(`br ${this.#reader.u32()}`, 0, false),
    13: () => this.#branchIf(),
    14: () => {
      const labels = Array.from({ length: this.#reader.u32() + 1 }, () => this.#reader.u32());
      this.#emit(`br_table ${labels.join(' ')}`, 1, false);
    },
    15: () => this.#emit('return', this.#results, false),
    16: () => this.#call(false),
    17: () => this.#call(true),
    26: () => this.#emit('drop', 1, false),
    27: () => this.#emit('select', 3, true),
    32: () => this.#emit(`local.get ${this.#reader.u32()}`, 0, true),
    33: () => this.#emit(`local.set ${this.#reader.u32()}`, 1, false),
    34: () => this.#emit(`local.tee ${this.#reader.u32()}`, 1, true),
    65: () => this.#emit(`i32.const ${this.#reader.s32()}`, 0, true),
    66: () => this.#emit(`i64.const ${this.#reader.s64()}`, 0, true),
    252: () => this.#prefixed(),
    253: () => this.#vector(),
    254: () => this.#atomic(),
  };

  #call(indirect: boolean): void {
    const index = this.#reader.u32();
    if (indirect) this.#reader.u8();
    const callee = this.#contents.functions[index];
    const { params, results } = this.#contents.types[indirect ? index : callee.type];
    const text = indirect ? `call_indirect (type ${index})` : `call $${callee.name}`;
    this.#emit(text, params.length + (indirect ? 1 : 0), results.length > 0);
  }

  #prefixed(): void {
    const number = this.#reader.u32();
    const known = saturatingOpcode(number);
    if (known !== undefined) {
      this.#emit(known.name, known.takes, known.gives);
      return;
    }
    if (number !== 11) throw new RangeError(`instruction 0xfc ${number}`);
    this.#reader.u8();
    this.#emit('memory.fill', 3, false);
  }

  #vector(): void {
    const number = this.#reader.u32();
    const known = vectorOpcode(number);
    if (known === undefined) throw new RangeError(`instruction 0xfd ${number}`);
    const bytes = /lane$/.test(known.name) ? 1 : /const$|shuffle$/.test(known.name) ? 16 : 0;
    const immediates = Array.from({ length: bytes }, () => ` ${this.#reader.u8()}`).join('');
    const shape = known.name === 'v128.const' ? ' i8x16' : '';
    this.#emit(known.name + shape + immediates, known.takes, known.gives);
  }

  #atomic(): void {
    const number = this.#reader.u32();
    if (number !== 3) {
      this.#access(atomicOpcode(number), `0xfe ${number}`, false);
      return;
    }
    this.#reader.u8();
    this.#emit('atomic.fence', 0, false);
  }

  #plain(opcode: number): void {
    const numeric = numericOpcode(opcode);
    if (numeric !== undefined) this.#emit(numeric.name, numeric.takes, numeric.gives);
    else this.#access(memoryOpcode(opcode), `0x${opcode.toString(16)}`, true);
  }

  #access(opcode: Opcode | undefined, what: string, plain: boolean): void {
    if (opcode === undefined) throw new RangeError(`instruction ${what}`);
    const alignment = this.#reader.u32();
    const offset = this.#reader.u32();
    const parts = [opcode.name];
    if (offset !== 0) parts.push(`offset=${offset}`);
    // Atomic accesses are always aligned; the plain ones of the builder promise nothing.
    if (plain) parts.push(`align=${2 ** alignment}`);
    this.#emit(parts.join(' '), opcode.takes, opcode.gives);
  }
}
