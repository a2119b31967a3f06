/** The network as a page has it: `fetch`, or a server that speaks Wisp. */
import { contains, formatIpv4, type Ipv4 } from '../../network/address.ts';
import type {
  DatagramListener,
  HostDatagrams,
  HostNetwork,
  HostStream,
  Resolved,
  StreamListener,
} from '../../network/host.ts';
import { BodyRoom, type HttpRequest } from './http-request.ts';
import { HttpStream, headersToSend } from './http-stream.ts';
import { NAMED, NameTable } from './name-table.ts';
import type { WispClient } from './wisp.ts';

const HTTPS_PORT = 443;
/** Bytes of a guest's request to a server that are kept until it is whole. */
const MOST_BODY_BYTES = 2 ** 26;

abstract class PageHosts implements HostNetwork {
  protected readonly names = new NameTable();

  abstract connect(address: Ipv4, port: number, listener: StreamListener): HostStream;
  abstract openDatagrams(address: Ipv4, port: number, listener: DatagramListener): HostDatagrams;

  resolve(name: string): Promise<Resolved> {
    return Promise.resolve(this.names.resolve(name));
  }

  query(): Promise<Uint8Array> {
    return Promise.reject(new Error('a page has no name server'));
  }

  ownAddresses(): readonly Ipv4[] {
    return [];
  }
}

/** Requests of HTTP, which the browser makes by its own rules; nothing else. */
export class FetchHosts extends PageHosts {
  readonly #scheme: 'http' | 'https';
  readonly #notice: (text: string) => void;
  readonly #told = new Set<string>();
  readonly #room = new BodyRoom(MOST_BODY_BYTES);

  /**
   * @param scheme that servers are asked by: a page that came by https may ask by that alone
   * @param notice tells people something
   */
  constructor(scheme: 'http' | 'https', notice: (text: string) => void) {
    super();
    this.#scheme = scheme;
    this.#notice = notice;
  }

  connect(address: Ipv4, port: number, listener: StreamListener): HostStream {
    const name = this.names.nameOf(address) ?? formatIpv4(address);
    if (port === HTTPS_PORT) {
      this.#tellOnce(
        `The guest wants to speak TLS with ${name}, which a page cannot pass on: ask for http://${name}/, which is fetched by ` +
          `${this.#scheme}, or give the machine a network with a Wisp server.`,
      );
      queueMicrotask(() => listener.failed('refused'));
      return NO_STREAM;
    }
    const ask = (request: HttpRequest, signal: AbortSignal) => this.#fetch(name, port, request, signal);
    return new HttpStream(listener, ask, this.#room);
  }

  openDatagrams(_address: Ipv4, _port: number, listener: DatagramListener): HostDatagrams {
    queueMicrotask(() => listener.failed('unreachable'));
    return NO_DATAGRAMS;
  }

  /**
   * Without the browser's facts about its user, and not to places where a server sends it on: those are not allowed.
   */
  async #fetch(name: string, port: number, request: HttpRequest, signal: AbortSignal): Promise<Response> {
    const { method, target, body } = request;
    const url = `${this.#scheme}://${name}${port === 80 ? '' : `:${port}`}${target}`;
    const response = await fetch(url, {
      ...{ method, headers: headersToSend(request), signal },
      ...(body === undefined ? {} : { body }),
      ...{ credentials: 'omit', redirect: 'manual', referrerPolicy: 'no-referrer', cache: 'no-store' },
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      const why =
        error instanceof TypeError ? 'it does not answer, or lets no page of another origin ask it' : error;
      throw new Error(`${url} cannot be fetched: ${why}.`);
    });
    if (response.type !== 'opaqueredirect') return response;
    throw new Error(
      `${url} leads elsewhere, and browsers do not tell pages where to. Ask for that address itself.`,
    );
  }

  #tellOnce(text: string): void {
    if (this.#told.has(text) || this.#told.size >= 16) return;
    this.#told.add(text);
    this.#notice(text);
  }
}

/** Everything by a server that makes the connections. */
export class WispHosts extends PageHosts {
  readonly #client: WispClient;

  constructor(client: WispClient) {
    super();
    this.#client = client;
  }

  connect(address: Ipv4, port: number, listener: StreamListener): HostStream {
    const stream = this.#client.connect(this.#hostOf(address), port, listener);
    if (stream === undefined) queueMicrotask(() => listener.failed('refused'));
    return stream ?? NO_STREAM;
  }

  openDatagrams(address: Ipv4, port: number, listener: DatagramListener): HostDatagrams {
    const datagrams = this.#client.datagrams(this.#hostOf(address), port, listener);
    if (datagrams === undefined) queueMicrotask(() => listener.failed('unreachable'));
    return datagrams ?? NO_DATAGRAMS;
  }

  /** The server looks names up. */
  #hostOf(address: Ipv4): string {
    const name = contains(NAMED, address) ? this.names.nameOf(address) : undefined;
    return name ?? formatIpv4(address);
  }
}

/** A connection that has not come about. */
const NO_STREAM: HostStream = {
  pending: 0,
  write: () => undefined,
  end: () => undefined,
  pause: () => undefined,
  resume: () => undefined,
  reset: () => undefined,
};

const NO_DATAGRAMS: HostDatagrams = { send: () => undefined, close: () => undefined };
