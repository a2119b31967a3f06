/**
 * TypeScript has the types of WebAssembly in its libraries for browsers alone, and Node's types are without them: a
 * program for Node would have mistakes in the types of this package. Where they are there, these merge with them.
 */
declare global {
  namespace WebAssembly {
    interface Memory {}
    interface Module {}
  }
}

export {};
