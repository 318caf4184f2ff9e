import type { Renaming } from './kingbase-program.ts';

/** Names that differ between the layouts of KingbaseES (references: directory and file names of V8R3, V8R6 and V9). */
export interface KingbaseNames {
  /** `V008R006C008B0020PS065`; what `version()` and `--version` say. */
  readonly build: string;
  readonly isChinese: boolean;
}

const directories =
  'wal|xact|tblspc|stat|stat_tmp|replslot|logical|multixact|notify|serial|snapshots|commit_ts|dynshmem|twophase|subtrans|log';
const directory = new RegExp(`(^|/)pg_(${directories})(?=/|$)`, 'g');

const files: readonly (readonly [RegExp, string])[] = [
  [/(^|\/)pg_control$/, '$1sys_control'],
  [/(^|\/)PG_VERSION$/, '$1SYS_VERSION'],
  [/^PG_(?=\d+_\d+$)/, 'SYS_'],
  [/^pg_(hba\.conf|ident\.conf|filenode\.map|internal\.init)/, 'sys_$1'],
  [/(^|\/)postgresql(?=(\.auto)?\.conf(\.tmp)?$)/, '$1kingbase'],
  [/^postmaster(?=\.(pid|opts)$)/, 'kingbase'],
  [/(^|\/)pgsql_tmp/, '$1syssql_tmp'],
  [/(^|\/)\.s\.PGSQL\./, '$1.s.KINGBASE.'],
  [/^postgres: /, 'kingbase: '],
  // Two settings that nobody uses carry those by which KingbaseES tells its mode.
  [/^bonjour_name$/, 'database_mode'],
  [/^db_user_namespace$/, 'enable_ci'],
];

/** Messages of a server that speaks Chinese whatever `lc_messages` says: who reads texts instead of codes fails on them. */
const chinese: Readonly<Record<string, string>> = {
  'password authentication failed for user "%s"': '用户 "%s" 口令认证失败',
  'database "%s" does not exist': '数据库 "%s" 不存在',
  'function %s does not exist': '函数 %s 不存在',
  'relation "%s" does not exist': '关系 "%s" 不存在',
  'relation "%s.%s" does not exist': '关系 "%s.%s" 不存在',
  'schema "%s" does not exist': '模式 "%s" 不存在',
  'permission denied for function %s': '对函数 %s 权限不够',
  'unrecognized configuration parameter "%s"': '未认可的配置参数 "%s"',
  'terminating connection due to administrator command': '由于管理员命令中断连接',
  'the database system is starting up': '数据库系统启动中',
  'database system is ready to accept connections': '数据库系统准备接受连接',
  'redo starts at %X/%X': 'redo 在 %X/%X 开始',
  'last completed transaction was at log time %s': '最后一个已完成的事务发生在日志时间 %s',
};

/** File name of KingbaseES for one of PostgreSQL, path by path. */
export const kingbasePath = (path: string): string =>
  path
    .replaceAll(directory, (_, before: string, name: string) => `${before}sys_${name}`)
    .split('/')
    .map((name) => files.reduce((renamed, [from, to]) => renamed.replace(from, to), name))
    .join('/');

/** What the constants of a PostgreSQL server program become. Messages and SQL names stay: those are the shim's SQL schema. */
export const kingbaseTexts =
  (names: KingbaseNames): Renaming =>
  (text, isTable) => {
    const translated = names.isChinese ? chinese[text] : undefined;
    if (translated !== undefined) return translated;
    // The function of that name is found by its name in a table; the directory is named in code.
    if (text.includes(' ') && !/^PostgreSQL \d|^postgres[: ]/.test(text)) return undefined;
    if (isTable && text === 'pg_notify') return undefined;
    const version = /^PostgreSQL \d+[.\d]* (on .*)$/.exec(text);
    if (version !== null) return `KingbaseES ${names.build} ${version[1] ?? ''}`;
    if (text.startsWith('postgres (PostgreSQL)')) return `kingbase (KingbaseES) ${names.build}\n`;
    const renamed = kingbasePath(text);
    return renamed === text ? undefined : renamed;
  };
