/** The part of WebAssembly that we use: neither lib.es2023 nor @types/node 20 declares it (only lib.dom does). */
declare namespace WebAssembly {
  class Memory {
    /** Sizes in pages of 64 KiB. The buffer of a shared memory is a SharedArrayBuffer. */
    constructor(size: { readonly initial: number; readonly maximum: number; readonly shared?: boolean });
    readonly buffer: ArrayBuffer;
  }
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
  const Module: new (bytes: Uint8Array) => Module;
  class Instance {
    constructor(module: Module, imports?: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
    readonly exports: object;
  }
}
