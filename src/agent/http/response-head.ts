import { AgentError } from '../agent-error.ts';

/** The head of a response (RFC 9112, section 2.1). */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Bytes of a head at most. */
const LARGEST_HEAD = 64 << 10;

/** The error of a server that does not speak HTTP. @param what names its fault */
export function notHttp(what: string): AgentError {
  return new AgentError('EPROTO', `The server in the guest does not speak HTTP: ${what}.`);
}

/** A source of bytes: a reader of a web stream. */
interface Source {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** Bytes of a stream as they are wanted. */
export class ByteReader {
  readonly #reader: Source;
  #rest = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** Some bytes, but no more than so many; undefined at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) {
      const part = await this.#reader.read();
      if (part.value === undefined) return undefined;
      this.#rest = new Uint8Array(part.value);
    }
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    return bytes;
  }

  /**
   * A line without its end.
   *
   * @throws AgentError if it ends too early, or has too many bytes
   */
  async line(most = LARGEST_HEAD): Promise<string> {
    let text = '';
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      const bytes = this.#rest.subarray(0, end < 0 ? this.#rest.length : end + 1);
      this.#rest = this.#rest.subarray(bytes.length);
      for (const byte of bytes) text += String.fromCharCode(byte);
      if (text.length > most) throw notHttp(`a line has more than ${most} bytes`);
      if (end >= 0) return text.replace(/\r?\n$/, '');
      const part = await this.#reader.read();
      if (part.value === undefined) throw notHttp('the response ends too early');
      this.#rest = new Uint8Array(part.value);
    }
  }

  cancel(): Promise<void> {
    return this.#reader.cancel();
  }
}

/** Reads a head; preliminary heads (100 to 199) are left out. @throws AgentError if it is none */
export async function readHead(reader: ByteReader): Promise<ResponseHead> {
  for (;;) {
    const start = await reader.line();
    const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(start);
    if (match === null) throw notHttp(`its response begins with ${JSON.stringify(start.slice(0, 40))}`);
    const headers: [string, string][] = [];
    for (let left = LARGEST_HEAD; ; ) {
      const line = await reader.line(left);
      if (line === '') break;
      left -= line.length;
      const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
      if (field === null) throw notHttp(`there is a header ${JSON.stringify(line.slice(0, 40))}`);
      headers.push([field[1].toLowerCase(), field[2]]);
    }
    const status = Number(match[1]);
    if (status === 101 || status < 100 || status > 599)
      throw notHttp(`its response has the status ${status}, which no request asks for`);
    if (status >= 200) return { status, statusText: match[2] ?? '', headers };
  }
}
