import type { ErrorSpec } from '../error-spec.ts';

/** Errors of drills and their reports (K-092). */
export const drillErrors = {
  drill_failed: {
    class: 'corrupt',
    http: 500,
    message: 'The drill of {resource} failed: {found}',
    hint: '`holdfast drill show {run}` shows every check. Until a drill passes, do not count on this resource coming back: take a new full backup and run the drill again.',
    messageZh: '{resource} 的恢复演练失败:{found}',
    hintZh:
      '`holdfast drill show {run}` 可查看每项检查。演练通过之前不应认为该资源可恢复:请重新执行完全备份后再次演练。',
  },
  canary_foreign: {
    class: 'unsafe',
    http: 409,
    message:
      'Table holdfast.canary of database {database} or its schema belongs to neither the login nor a superuser, or has triggers or rules: what is written there would run code of somebody else',
    hint: 'Drop schema holdfast in that database, or give it and the table to the login and take triggers and rules off; the next log backup writes a canary again.',
    messageZh:
      '数据库 {database} 的表 holdfast.canary 或其模式既不属于登录用户也不属于超级用户,或带有触发器或规则:写入会执行他人的代码',
    hintZh:
      '请在该数据库中删除模式 holdfast,或将模式与表归登录用户所有并去掉触发器和规则;下次日志备份会重新写入标记行。',
  },
  canary_unwritable: {
    class: 'precondition',
    http: 409,
    message: 'A canary cannot be written to database {database}: {reason}',
    hint: 'Name a database of the primary with --database in which the login may create a schema, and tables as schema.table with --static that it may read. Nothing was changed.',
    messageZh: '无法向数据库 {database} 写入标记行:{reason}',
    hintZh:
      '请用 --database 指定主库上登录用户可创建模式的数据库,用 --static 以 schema.table 形式指定可读取的表。未做任何改动。',
  },
  static_table_not_plain: {
    class: 'unsafe',
    http: 409,
    message: 'Static table {table} is not counted: {found} is {kind}, and reading it could run code of its owner',
    hint: 'Mark only plain or partitioned tables, without foreign partitions, as static: `holdfast canary enable` with --static names them anew. Find out who replaced the table if it was one.',
    messageZh: '静态表 {table} 未计数:{found} 是 {kind},读取它可能执行其所有者的代码',
    hintZh:
      '只能将普通表或分区表(不含外部分区)标记为静态表:用 `holdfast canary enable` 的 --static 重新指定。若原先是普通表,请查明是谁替换的。',
  },
  static_table_slow: {
    class: 'precondition',
    http: 409,
    message: 'Static table {table} is not counted: all static tables together may take {seconds} s',
    hint: 'Mark fewer or smaller tables as static: `holdfast canary enable` with --static names them anew. The log is backed up all the same.',
    messageZh: '静态表 {table} 未计数:所有静态表合计最多用时 {seconds} 秒',
    hintZh: '请减少静态表或改用较小的表:用 `holdfast canary enable` 的 --static 重新指定。日志仍会照常备份。',
  },
  drill_unknown: {
    class: 'input',
    http: 404,
    message: 'Run {run} is no drill that has a report',
    hint: '`holdfast drill ls` lists drills; a report is there when its run has ended.',
    messageZh: '运行 {run} 不是已有报告的演练',
    hintZh: '`holdfast drill ls` 可列出演练;运行结束后才有报告。',
  },
  drill_report_closed: {
    class: 'precondition',
    http: 409,
    message: 'No report of drill {run} is stored any more: the place of its target was given back',
    hint: 'Start the drill again with `holdfast run retry {run}`.',
    messageZh: '演练 {run} 不再保存报告:其目标的位置已归还',
    hintZh: '请用 `holdfast run retry {run}` 重新演练。',
  },
  drill_target_unmarked: {
    class: 'unsafe',
    http: 409,
    message: '{target} is no marked drill target: {why}',
    hint: 'A drill replaces only an instance that was consented to: `holdfast drill target mark <resource>` shows what that means and asks for consent. Without --target a drill uses a scratch instance.',
    messageZh: '{target} 不是已标记的演练目标:{why}',
    hintZh:
      '演练只会替换经过确认的实例:`holdfast drill target mark <resource>` 会说明后果并要求确认。不加 --target 时演练使用临时实例。',
  },
  drill_target_in_use: {
    class: 'precondition',
    http: 409,
    message: 'Drill {run} replaces {target} or is about to',
    hint: 'Wait for it, or stop it with `holdfast run cancel {run}`: a drill that has not finished gives {target} its place back. Then ask again.',
    messageZh: '演练 {run} 正在或即将替换 {target}',
    hintZh: '请等待其结束,或用 `holdfast run cancel {run}` 停止:未完成的演练会归还 {target} 的位置。之后再试。',
  },
  drill_target_busy: {
    class: 'precondition',
    http: 409,
    message: 'Run {run} works with {target}, which a drill would close and replace',
    hint: 'Wait for `holdfast run watch {run}`, or stop it with `holdfast run cancel {run}`, then start the drill again. Nothing was closed.',
    messageZh: '运行 {run} 正在使用 {target},演练会将其关闭并替换',
    hintZh:
      '请等待 `holdfast run watch {run}` 结束,或用 `holdfast run cancel {run}` 停止,然后重新开始演练。未关闭任何内容。',
  },
  drill_target_is_source: {
    class: 'unsafe',
    http: 409,
    message: '{target} may be a source and is never a drill target: {why}',
    hint: 'Make a fresh instance for drills (initdb) in a directory of its own, register and mark it. An instance that a drill made holds the data of its source and cannot be marked anew.',
    messageZh: '{target} 可能是源实例,不能作为演练目标:{why}',
    hintZh: '请在单独目录中为演练新建实例(initdb),注册并标记。演练所生成的实例含有源数据,不能重新标记。',
  },
  drill_target_nested: {
    class: 'unsafe',
    http: 409,
    message: '{target} is no drill target: {why}',
    hint: 'A drill removes the whole directory of its target. Make a fresh instance for drills (initdb) in a directory that no instance shares, register and mark it; when the other instance is gone for good, remove it with `holdfast resource rm`. Nothing was closed or changed.',
    messageZh: '{target} 不能作为演练目标:{why}',
    hintZh:
      '演练会删除目标的整个目录。请在不与任何实例重叠的目录中新建演练用实例(initdb),注册并标记;如另一实例已永久移除,请用 `holdfast resource rm` 注销。未关闭也未更改任何内容。',
  },
  drill_target_consent_mismatch: {
    class: 'unsafe',
    http: 409,
    message: 'The consent "{given}" is not the name of resource {resource}, whose data every drill would discard',
    hint: 'Type the name of the resource: `holdfast drill target mark {resource} --consent {resource}`.',
    messageZh: '输入的确认文字 "{given}" 与资源名 {resource} 不一致,其数据将被每次演练丢弃',
    hintZh: '请输入资源名称确认:`holdfast drill target mark {resource} --consent {resource}`。',
  },
  drill_target_spaces: {
    class: 'unsafe',
    http: 409,
    message:
      'The instance in {directory} has tablespaces of its own ({links}), which a drill would leave without an owner',
    hint: 'Use an instance without tablespaces as a drill target; those of the source get places beside it.',
    messageZh: '{directory} 中的实例有自己的表空间({links}),演练后将无主',
    hintZh: '请使用没有表空间的实例作为演练目标;源的表空间会放在其旁边。',
  },
  drill_target_unmovable: {
    class: 'unsafe',
    http: 409,
    message: 'The directory {directory} cannot be moved aside and replaced by a drill: {why}',
    hint: 'A drill renames the old directory within its parent and removes it there. Move the data directory one level below its mount point, without mounts in it, where the agent may write; nothing was closed or changed.',
    messageZh: '演练无法将目录 {directory} 移开并替换:{why}',
    hintZh:
      '演练会在上级目录内将旧目录改名,之后删除。请将数据目录放在挂载点的下一级,其中不含其他挂载点,且代理可写;未关闭也未更改任何内容。',
  },
  resource_holds_copy: {
    class: 'unsafe',
    http: 409,
    message: '{resource} is not backed up: a drill put a copy of {source} from {at} in its place',
    hint: 'Back up {source} itself. For an instance of its own, make a fresh one (initdb) in the directory of {resource} and run `holdfast resource discover --register`; to keep the copy, `holdfast resource rm {resource}` and register it with `--new`.',
    messageZh: '不备份 {resource}:演练已将 {source} 截至 {at} 的副本放在其位置',
    hintZh:
      '请备份 {source} 本身。如需独立实例,请在 {resource} 的目录中重新初始化(initdb)并执行 `holdfast resource discover --register`;如需保留副本,请执行 `holdfast resource rm {resource}` 后用 `--new` 重新注册。',
  },
  drill_report_forged: {
    class: 'corrupt',
    http: 422,
    message: 'The report is not what was signed: {why}',
    hint: 'Get the report again with `holdfast drill report`, and the public key with `holdfast drill public-key` from the server that made it.',
    messageZh: '报告与签名内容不符:{why}',
    hintZh: '请用 `holdfast drill report` 重新获取报告,并从生成报告的服务器用 `holdfast drill public-key` 获取公钥。',
  },
} as const satisfies Record<string, ErrorSpec>;
