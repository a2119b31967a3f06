/** Where a command leaves its result. */
export interface Finished {
  /** The exit status. */
  status: number;
}
