/** Guests that hartvisor brings: the first is started when no kernel is given. */
export const guestNames = ['busybox', 'debian', 'tick'] as const;
export type GuestName = (typeof guestNames)[number];

/** The most vCPUs of a domain, and harts of a bare machine. */
export const maximumCpus = 64;

export const defaultMemory = '512M';
