/** Properties of an image that `hartvisor image debian` makes where nothing was said. */
export const IMAGE_DEFAULTS = { size: '8G', hostname: 'debian' } as const;
