/** The properties of a scenario, as `docs` and reports number them. */
export const PROPERTIES = {
  P1: 'no interrupt is lost',
  P2: 'no interrupt comes from nowhere or twice',
  P3: 'levels agree with their source',
  P4: 'no wake-up is lost',
  P5: 'the vCPU comes to rest',
  P6: 'the payload is visible to the handler',
  P7: 'the code throws no error',
  P8: 'a remote fence is done when it returns',
  P9: 'a claim takes what is on top of an interrupt file',
} as const;

export type PropertyId = keyof typeof PROPERTIES;
