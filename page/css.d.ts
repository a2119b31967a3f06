/** Vite puts style sheets that a module imports into the page. */
declare module '*.css';
