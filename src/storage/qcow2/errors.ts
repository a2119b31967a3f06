/** An image that cannot be opened. The message goes on from the image's name: "has ...". */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

/** What was found in the tables of an open image is wrong. */
export class CorruptImage extends Error {
  override readonly name = 'CorruptImage';
}
