/** An image that cannot be opened. The message goes on from the image's name: "has ...". */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** The tables of an open image are wrong. */
export class CorruptImage extends Error {
  override readonly name = 'CorruptImage';
}
