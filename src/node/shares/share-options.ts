/** A folder of the host that is to be shared with a guest. */
export interface ShareOptions {
  readonly folder: string;
  /** By which the guest mounts it. */
  readonly tag: string;
  /** The guest changes nothing in it. */
  readonly readOnly: boolean;
}
