import { logicalBackupSuite } from './logical-backup.suite.ts';

logicalBackupSuite(15, 'a passphrase of a test');
