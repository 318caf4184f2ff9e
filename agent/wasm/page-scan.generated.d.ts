/** Base64 of the module that build.mjs compiles from page-scan.as: `npm run build` makes the JavaScript beside this file. */
export declare const pageScanBase64: string;
