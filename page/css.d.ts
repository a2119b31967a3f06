/** Vite puts style sheets that a module imports into the page. */
declare module '*.css';

/** A style sheet as a text. */
declare module '*.css?inline' {
  const text: string;
  export default text;
}
