import { Listener } from '../errors/listener.ts';
import { AgentError, type AgentErrorCode } from './agent-error.ts';
import { CHANNEL } from './protocol.ts';

/** How a command has ended: one of both is there. */
export interface CommandExit {
  /** 0 to 255; undefined if a signal ended it. */
  readonly exitCode: number | undefined;
  /** The signal that ended it: `SIGKILL`. */
  readonly signal: string | undefined;
}

/** The output of a command, as text. */
export interface CommandTexts {
  /** Its output, read as UTF-8. */
  readonly stdout: string;
  readonly stderr: string;
  /** The same as it came. */
  readonly stdoutBytes: Uint8Array<ArrayBuffer>;
  readonly stderrBytes: Uint8Array<ArrayBuffer>;
}

/** The end of a command, and its output. */
export interface CommandResult extends CommandExit, CommandTexts {}

/** A command that was started, and did not come to its own end. */
export class CommandError extends AgentError implements CommandTexts {
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Uint8Array<ArrayBuffer>;
  readonly stderrBytes: Uint8Array<ArrayBuffer>;

  constructor(code: AgentErrorCode, message: string, texts: CommandTexts) {
    super(code, message);
    this.stdout = texts.stdout;
    this.stderr = texts.stderr;
    this.stdoutBytes = texts.stdoutBytes;
    this.stderrBytes = texts.stderrBytes;
  }
}

/** Listeners for output as it comes. */
export interface OutputListeners {
  readonly onStdout?: ((text: string) => void) | undefined;
  readonly onStderr?: ((text: string) => void) | undefined;
}

/** The outputs of a command as they come. */
export class OutputCollector {
  readonly #stdout: Output;
  readonly #stderr: Output;
  #left: number;

  /** @param most bytes of both that are kept */
  constructor({ onStdout, onStderr }: OutputListeners, most: number) {
    this.#stdout = new Output(onStdout);
    this.#stderr = new Output(onStderr);
    this.#left = most;
  }

  /** @returns whether all of them are kept, and, while a listener is not done with what came, a promise for that */
  add(channel: number, bytes: Uint8Array): { readonly isKept: boolean; readonly heard?: Promise<void> } {
    const kept = bytes.subarray(0, this.#left);
    this.#left -= kept.length;
    const heard = (channel === CHANNEL.ERR ? this.#stderr : this.#stdout).add(kept);
    return { isKept: kept.length === bytes.length, ...(heard === undefined ? {} : { heard }) };
  }

  /** No more come. Fulfilled when the listeners are done with all of it. @throws the error of a listener */
  async end(): Promise<void> {
    await Promise.all([this.#stdout.end(), this.#stderr.end()]);
  }

  texts(): CommandTexts {
    const [stdoutBytes, stderrBytes] = [this.#stdout.bytes(), this.#stderr.bytes()];
    const decoder = new TextDecoder();
    return {
      stdoutBytes,
      stderrBytes,
      stdout: decoder.decode(stdoutBytes),
      stderr: decoder.decode(stderrBytes),
    };
  }
}

class Output {
  readonly #listener: Listener<string> | undefined;
  readonly #decoder = new TextDecoder();
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(listener: ((text: string) => void) | undefined) {
    this.#listener = listener && new Listener(listener);
  }

  add(bytes: Uint8Array): Promise<void> | undefined {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    return this.#tell(this.#decoder.decode(bytes, { stream: true }));
  }

  end(): Promise<void> | undefined {
    return this.#tell(this.#decoder.decode()) ?? this.#listener?.heard;
  }

  /** All of it. */
  bytes(): Uint8Array<ArrayBuffer> {
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  #tell(text: string): Promise<void> | undefined {
    return text === '' ? undefined : this.#listener?.tell(text);
  }
}
