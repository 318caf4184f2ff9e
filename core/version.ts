/** Version of this release, as in package.json; agents tell it, sets record it, `/version` shows it. */
export const productVersion = '0.1.0';
