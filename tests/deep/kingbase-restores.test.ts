import { restoresKingbase } from '../engines/kingbase-restores.suite.ts';

restoresKingbase({ engine: 'kingbase-v8r6', mode: 'oracle', pool: 's3', passphrase: 'a passphrase of the tests' });
restoresKingbase({ engine: 'kingbase-v8r6', mode: 'pg' });
restoresKingbase({ engine: 'kingbase-v9', mode: 'oracle', isChinese: true });
restoresKingbase({ engine: 'kingbase-v9', mode: 'pg', pool: 's3' });
