import type { UserNetworkOptions } from '../../network/user-network.ts';

/** A network that threads can open, as they are told of it. It can be sent by `postMessage`. */
export type NetworkStart =
  /** A network of the guest's own, whose connections are made by the browser, or by a server. */
  | {
      readonly kind: 'fetch';
      readonly options: UserNetworkOptions;
      /** By which servers are asked. */
      readonly scheme: 'http' | 'https';
    }
  | { readonly kind: 'wisp'; readonly options: UserNetworkOptions; readonly url: string }
  /** Frames as they are: to a server that passes them on, or to other machines of this origin. */
  | { readonly kind: 'relay'; readonly url: string }
  | { readonly kind: 'link'; readonly name: string };
