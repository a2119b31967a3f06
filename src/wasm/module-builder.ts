import { ByteWriter } from './byte-writer.ts';
import { type FunctionRef, type FunctionType, VALTYPE_CODE, type ValType } from './expression.ts';
import { FunctionBuilder } from './function-builder.ts';

/** Section numbers (core specification 5.5.2). */
const SECTION = { custom: 0, type: 1, import: 2, function: 3, export: 7, code: 10 } as const;

const MAGIC = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

/** Limits of an imported memory, in pages of 64 KiB. */
export interface MemoryLimits {
  readonly minimum: number;
  readonly maximum: number;
}

/** A function under construction. */
interface FunctionEntry {
  readonly ref: FunctionRef;
  readonly type: number;
  body: ByteWriter | undefined;
  /** Offsets in the body of branches that are hardly ever taken. */
  unlikely: readonly number[];
  exported: boolean;
}

/** Builds one module around an imported shared memory (`env.memory`): imports first, then functions. */
export class ModuleBuilder {
  readonly #types: string[] = [];
  readonly #imports: { module: string; name: string; type: number }[] = [];
  readonly #functions: FunctionEntry[] = [];
  readonly #custom: { readonly name: string; readonly content: Uint8Array }[] = [];
  readonly #memory: MemoryLimits;
  #table: { readonly module: string; readonly name: string } | undefined;

  constructor(memory: MemoryLimits) {
    this.#memory = memory;
  }

  /** Imports a function. All imports come before the first {@link declare}. */
  import<R extends ValType | 'void'>(
    module: string,
    name: string,
    params: readonly ValType[],
    result: R,
  ): FunctionRef<R> {
    if (this.#functions.length > 0) throw new Error(`import ${module}.${name} after a function`);
    const ref = { index: this.#imports.length, name, params, result };
    this.#imports.push({ module, name, type: this.#typeIndex(params, result) });
    return ref;
  }

  /** Imports the table of functions that {@link callIndirect} goes through; a module has one at most. */
  importTable(module: string, name: string): void {
    if (this.#table !== undefined) throw new Error(`table ${module}.${name} is a second one`);
    this.#table = { module, name };
  }

  /** Adds a section that engines pass over: `WebAssembly.Module.customSections` gives its content. */
  custom(name: string, content: Uint8Array): void {
    this.#custom.push({ name, content });
  }

  /** The index of a function type, for {@link callIndirect}. */
  typeOf<R extends ValType | 'void'>(params: readonly ValType[], result: R): FunctionType<R> {
    return { index: this.#typeIndex(params, result), params, result };
  }

  /** Reserves a function, so that others can call it before it is defined. */
  declare<R extends ValType | 'void'>(
    name: string,
    params: readonly ValType[],
    result: R,
    exported = false,
  ): FunctionRef<R> {
    const ref = { index: this.#imports.length + this.#functions.length, name, params, result };
    const type = this.#typeIndex(params, result);
    this.#functions.push({ ref, type, body: undefined, unlikely: [], exported });
    return ref;
  }

  /** Writes the body of a declared function. */
  define(ref: FunctionRef, build: (f: FunctionBuilder) => void): void {
    const entry = this.#functions[ref.index - this.#imports.length];
    if (entry?.ref !== ref) throw new Error(`${ref.name} is not a function of this module`);
    if (entry.body !== undefined) throw new Error(`${ref.name} is defined twice`);
    const builder = new FunctionBuilder(ref.params);
    build(builder);
    finish(entry, builder);
  }

  /** Exports a function of this module, by its name. */
  export(ref: FunctionRef): void {
    const entry = this.#functions[ref.index - this.#imports.length];
    if (entry?.ref !== ref) throw new Error(`${ref.name} is not a function of this module`);
    entry.exported = true;
  }

  /** Declares and defines a function. */
  function<R extends ValType | 'void'>(
    name: string,
    params: readonly ValType[],
    result: R,
    build: (f: FunctionBuilder) => void,
    exported = false,
  ): FunctionRef<R> {
    const ref = this.declare(name, params, result, exported);
    this.define(ref, build);
    return ref;
  }

  /** Adds a function whose body is complete: functions that it calls may have been imported while it was written. */
  append<R extends ValType | 'void'>(
    name: string,
    builder: FunctionBuilder,
    result: R,
    exported = false,
  ): FunctionRef<R> {
    const params = builder.params.map(({ type }) => type);
    const ref = this.declare(name, params, result, exported);
    const entry = this.#functions.at(-1);
    if (entry !== undefined) finish(entry, builder);
    return ref;
  }

  /** The module in the binary format, with a name section for debuggers and profilers. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const code = this.#functions.reduce((sum, { body }) => sum + (body?.length ?? 0), 0);
    const out = new ByteWriter(code + 1024);
    this.writeHead(out);
    this.#writeHints(out);
    section(out, SECTION.code, (w) => this.#writeCode(w));
    this.writeTail(out);
    return out.toBytes();
  }

  /** Writes the sections before the code: they depend on the types and names of the functions, not on their code. */
  writeHead(out: ByteWriter): void {
    out.bytes(MAGIC);
    section(out, SECTION.type, (w) => {
      w.u32(this.#types.length);
      for (const type of this.#types) writeType(w, type);
    });
    section(out, SECTION.import, (w) => this.#writeImports(w));
    section(out, SECTION.function, (w) => {
      w.u32(this.#functions.length);
      for (const { type } of this.#functions) w.u32(type);
    });
    section(out, SECTION.export, (w) => this.#writeExports(w));
  }

  /** Writes the sections behind the code, as {@link writeHead} does those before it. */
  writeTail(out: ByteWriter): void {
    for (const { name, content } of this.#custom) {
      section(out, SECTION.custom, (w) => {
        w.name(name);
        w.bytes(content);
      });
    }
    section(out, SECTION.custom, (w) => this.#writeNames(w));
  }

  #writeImports(w: ByteWriter): void {
    w.u32(this.#imports.length + 1 + (this.#table === undefined ? 0 : 1));
    for (const { module, name, type } of this.#imports) {
      w.name(module);
      w.name(name);
      w.u8(0x00);
      w.u32(type);
    }
    if (this.#table !== undefined) {
      w.name(this.#table.module);
      w.name(this.#table.name);
      w.u8(0x01);
      w.u8(0x70); // funcref
      w.u8(0x00); // without a maximum
      w.u32(0);
    }
    w.name('env');
    w.name('memory');
    w.u8(0x02);
    w.u8(0x03); // shared, with a maximum
    w.u32(this.#memory.minimum);
    w.u32(this.#memory.maximum);
  }

  #writeExports(w: ByteWriter): void {
    const exported = this.#functions.filter((entry) => entry.exported);
    w.u32(exported.length);
    for (const { ref } of exported) {
      w.name(ref.name);
      w.u8(0x00);
      w.u32(ref.index);
    }
  }

  #writeCode(w: ByteWriter): void {
    w.u32(this.#functions.length);
    for (const { ref, body } of this.#functions) {
      if (body === undefined) throw new Error(`${ref.name} is declared but not defined`);
      w.u32(body.length);
      w.append(body);
    }
  }

  /** The section of the branch-hinting proposal. Engines that do not know it pass over it. */
  #writeHints(out: ByteWriter): void {
    const hinted = this.#functions.filter(({ unlikely }) => unlikely.length > 0);
    if (hinted.length === 0) return;
    section(out, SECTION.custom, (w) => {
      w.name(HINTS);
      w.u32(hinted.length);
      for (const { ref, unlikely } of hinted) writeHints(w, ref.index, unlikely);
    });
  }

  #writeNames(w: ByteWriter): void {
    w.name('name');
    const names = new ByteWriter();
    names.u32(this.#imports.length + this.#functions.length);
    for (const [index, { name }] of this.#imports.entries()) {
      names.u32(index);
      names.name(name);
    }
    for (const { ref } of this.#functions) {
      names.u32(ref.index);
      names.name(ref.name);
    }
    w.u8(1); // function names
    w.u32(names.length);
    w.append(names);
  }

  #typeIndex(params: readonly ValType[], result: ValType | 'void'): number {
    const key = `${params.join(',')}>${result}`;
    const known = this.#types.indexOf(key);
    return known >= 0 ? known : this.#types.push(key) - 1;
  }
}

const HINTS = 'metadata.code.branch_hint';

function writeHints(w: ByteWriter, index: number, unlikely: readonly number[]): void {
  w.u32(index);
  w.u32(unlikely.length);
  for (const offset of unlikely) {
    w.u32(offset);
    w.u32(1);
    w.u8(0);
  }
}

/**
 * Writes the section of hints and that of the code of a module with a single function, between its head and its tail.
 *
 * @param body the function, complete; `scratch` is overwritten
 */
export function writeSingleFunction(
  out: ByteWriter,
  index: number,
  builder: FunctionBuilder,
  scratch: ByteWriter,
): void {
  const body = scratch;
  body.reset();
  builder.writeBody(body);
  const unlikely = builder.unlikelyBranches();
  if (unlikely.length > 0) {
    section(out, SECTION.custom, (w) => {
      w.name(HINTS);
      w.u32(1);
      writeHints(w, index, unlikely);
    });
  }
  out.u8(SECTION.code);
  out.u32(body.length + 1 + bytesOfU32(body.length));
  out.u32(1);
  out.u32(body.length);
  out.append(body);
}

function bytesOfU32(value: number): number {
  return Math.max(1, Math.ceil((32 - Math.clz32(value)) / 7));
}

function isValType(name: string): name is ValType {
  return name in VALTYPE_CODE;
}

function writeType(w: ByteWriter, key: string): void {
  const [params = '', result = 'void'] = key.split('>');
  const valTypes = params.split(',').filter(isValType);
  w.u8(0x60);
  w.u32(valTypes.length);
  for (const type of valTypes) w.u8(VALTYPE_CODE[type]);
  if (isValType(result)) {
    w.u32(1);
    w.u8(VALTYPE_CODE[result]);
  } else {
    w.u32(0);
  }
}

function section(out: ByteWriter, id: number, write: (w: ByteWriter) => void): void {
  const content = new ByteWriter(256);
  write(content);
  out.u8(id);
  out.u32(content.length);
  out.append(content);
}

function finish(entry: FunctionEntry, builder: FunctionBuilder): void {
  entry.body = builder.toBody();
  entry.unlikely = builder.unlikelyBranches();
}
