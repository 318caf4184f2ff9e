import { proveManifest } from '../engines/backup-manifest.suite.ts';

proveManifest(18);
