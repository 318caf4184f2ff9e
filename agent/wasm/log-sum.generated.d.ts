/** Base64 of the module that build.mjs compiles from log-sum.as: `npm run build` makes the JavaScript beside this file. */
export declare const logSumBase64: string;
