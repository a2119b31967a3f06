/** The most vCPUs of a domain, and harts of a bare machine. */
export const maximumCpus = 64;

export const defaultMemory = '512M';
