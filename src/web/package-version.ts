/** The version of this hartvisor, as package.json has it, which a page cannot read. */
export const PACKAGE_VERSION = '0.1.0';
