import { logicalBackupSuite } from './logical-backup.suite.ts';

logicalBackupSuite(15);
