import { createDecoder, type DecoderOptions } from '../../isa/index.ts';
import { graphFromWords, type RegionCodeBytes, RegionCompiler } from '../../jit/index.ts';
import { type CompileQuestion, CompilerDesks, type CompilerMemory } from './compiler-desk.ts';
import { REGION_LAYOUT, REGION_LIMITS } from './hart-layout.ts';

/** Bytes of questions and answers that are kept, for harts that ask the same; with a module each. */
const KEPT_BYTES = 1 << 20;

/** What code depends on beside the question. */
export interface CompilerSetting extends DecoderOptions {
  /** No other thread works in the guest's memory. */
  readonly alone: boolean;
}

/** An answer, with the module that makes the engine keep its machine code for all threads. */
interface Known {
  readonly code: RegionCodeBytes;
  readonly module: WebAssembly.Module;
  readonly bytes: number;
}

/**
 * Answers all harts of a machine, until it has ended. What two harts ask alike is compiled once. It is looked up by all
 * of the question, so that no guest can have another one's answer be taken for its own.
 */
export function serveHarts(memory: CompilerMemory, setting: CompilerSetting): void {
  const desks = new CompilerDesks(memory);
  const answers = new Answers(setting);
  desks.open();
  for (;;) {
    const desk = desks.wait();
    if (desk === undefined) return;
    try {
      desks.answer(desk, answers.of(desks.question(desk)));
    } catch (error) {
      desks.answer(desk, { refused: String(error) });
    }
  }
}

/** The answers to questions, of which the latest are kept. */
export class Answers {
  readonly #decode: ReturnType<typeof createDecoder>;
  readonly #compiler: RegionCompiler;
  readonly #known = new Map<string, Known>();
  #bytes = 0;
  /** How often an answer was there already. */
  known = 0;

  constructor(setting: CompilerSetting) {
    this.#decode = createDecoder(setting);
    this.#compiler = new RegionCompiler(REGION_LIMITS, REGION_LAYOUT, setting.alone, setting.xlen);
  }

  /** Bytes that the answers take that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @throws Error when there is no code for it */
  of(question: CompileQuestion & { readonly words: Int32Array }): RegionCodeBytes {
    const key = keyOf(question);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.known++;
      return known.code;
    }
    const code = this.#compiler.emit(graphFromWords(question.words, this.#decode), question);
    // Every hart makes a module of its own of the same bytes: the engine gives them the machine code of this one.
    const module = new WebAssembly.Module(code.bytes);
    this.#keep(key, { code, module, bytes: 2 * key.length + code.bytes.length });
    return code;
  }

  #keep(key: string, known: Known): void {
    this.#known.set(key, known);
    this.#bytes += known.bytes;
    for (const [first, { bytes }] of this.#known) {
      if (this.#bytes <= KEPT_BYTES) return;
      this.#known.delete(first);
      this.#bytes -= bytes;
    }
  }
}

/** Characters of a string at once: a call has not room for any number of arguments. */
const PIECE = 4096;

/** All of a question as text. */
function keyOf({
  words,
  ungrouped,
  ungroupedBases,
}: CompileQuestion & { readonly words: Int32Array }): string {
  const halves = new Uint16Array(words.buffer, words.byteOffset, words.length * 2);
  let key = `${ungrouped} ${ungroupedBases} `;
  for (let at = 0; at < halves.length; at += PIECE) {
    key += String.fromCharCode(...halves.subarray(at, at + PIECE));
  }
  return key;
}
