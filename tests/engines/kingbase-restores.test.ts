import { restoresKingbase } from './kingbase-restores.suite.ts';

restoresKingbase({ engine: 'kingbase-v8r6', mode: 'oracle', isChinese: true });
