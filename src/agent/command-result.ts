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

  /** @returns false if there were too many */
  add(channel: number, bytes: Uint8Array): boolean {
    const kept = bytes.subarray(0, this.#left);
    this.#left -= kept.length;
    (channel === CHANNEL.ERR ? this.#stderr : this.#stdout).add(kept);
    return kept.length === bytes.length;
  }

  texts(): CommandTexts {
    const [stdoutBytes, stderrBytes] = [this.#stdout.end(), this.#stderr.end()];
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
  readonly #listener: ((text: string) => void) | undefined;
  readonly #decoder = new TextDecoder();
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(listener: ((text: string) => void) | undefined) {
    this.#listener = listener;
  }

  add(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    this.#tell(this.#decoder.decode(bytes, { stream: true }));
  }

  /** @returns all of it */
  end(): Uint8Array<ArrayBuffer> {
    this.#tell(this.#decoder.decode());
    const all = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }

  #tell(text: string): void {
    if (text !== '') this.#listener?.(text);
  }
}
