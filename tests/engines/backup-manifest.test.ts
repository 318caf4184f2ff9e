import { proveManifest } from './backup-manifest.suite.ts';

proveManifest(15);
