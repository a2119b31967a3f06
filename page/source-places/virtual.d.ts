/** Made by `scripts/page/source-places.ts` when the page is built. */
declare module 'virtual:source-places' {
  const places: Readonly<Record<import('./places.ts').PlaceName, string>>;
  export default places;
}
