import type { ErrorSpec } from '../error-spec.ts';

/** Errors of what a restore can do beside the usual: proofs, standbys, deltas, damage, extracts. */
export const depthErrors = {
  restore_ways_conflict: {
    class: 'input',
    http: 400,
    message: 'These options of a restore do not go together: {why}',
    hint: 'Add what is missing, or leave out what does not go with the rest; `holdfast restore plan` shows what a restore would do without touching anything.',
    messageZh: '恢复选项互相冲突:{why}',
    hintZh: '请补上缺少的选项,或去掉冲突的选项;`holdfast restore plan` 可在不改动任何内容的情况下显示恢复计划。',
  },
  delta_consent_mismatch: {
    class: 'unsafe',
    http: 409,
    message: 'The consent "{given}" does not allow a delta restore over the data directory of resource {resource}',
    hint: 'A delta restore writes over the old files: there is no way back to them, not even when it fails. If that is wanted: --consent "overwrite {resource}". Without --delta the old directory is kept.',
    messageZh: '确认 "{given}" 不允许对资源 {resource} 的数据目录做增量覆盖恢复',
    hintZh:
      '增量覆盖恢复直接改写旧文件:无法回退,失败时也不能。确需如此请使用 --consent "overwrite {resource}";不加 --delta 则保留旧目录。',
  },
  damage_consent_mismatch: {
    class: 'unsafe',
    http: 409,
    message: 'The consent "{given}" to restore a damaged set is not the name of resource {resource}',
    hint: 'What cannot be read would become zeros, and rows would be missing. If that is wanted: --accept-damage {resource}.',
    messageZh: '恢复受损备份集的确认 "{given}" 与资源名称 {resource} 不符',
    hintZh: '无法读取的部分将以零填充,会缺失数据行。确需如此请使用 --accept-damage {resource}。',
  },
  passfile_unusable: {
    class: 'precondition',
    http: 409,
    message: 'The standby cannot use the password file {path}: {why}',
    hint: 'Give it to the account of the server and run chmod 0600 on it, on the host of the copy.',
    messageZh: '备库无法使用密码文件 {path}:{why}',
    hintZh: '请在副本所在主机上将其属主改为数据库服务账号,并执行 chmod 0600。',
  },
  extract_nothing: {
    class: 'input',
    http: 404,
    message: 'Set {set} has nothing that is meant by "{what}"',
    hint: 'Name a file by its path, or a relation by a path of one of its files or as database.schema.relation (names need a login to the running instance). `holdfast set show {set} --files` and `--tables` list what is there.',
    messageZh: '备份集 {set} 中没有 "{what}" 所指的内容',
    hintZh:
      '请用路径指定文件,或用关系的任一文件路径、或 库.模式.关系 的形式指定关系(按名称查找需要能登录运行中的实例)。可用 `holdfast set show {set} --files` 和 `--tables` 查看内容。',
  },
  extract_names_other: {
    class: 'precondition',
    http: 409,
    message: 'Set {set} does not lie on the way of {instance}: names there may mean other files',
    hint: 'Name the relation by a path of one of its files; `holdfast set show {set} --files` lists them.',
    messageZh: '备份集 {set} 不在 {instance} 的历史分支上:那里的名称可能指向其他文件',
    hintZh: '请用关系的任一文件路径指定;可用 `holdfast set show {set} --files` 列出文件。',
  },
  verifier_missing: {
    class: 'precondition',
    http: 409,
    message: 'There is no {program} for major version {major} on this host',
    hint: 'Looked in: {looked}. Install the client programs of that version (PostgreSQL 13 or later has the program), or restore without the proof of files.',
    messageZh: '本机没有主版本 {major} 的 {program}',
    hintZh: '已查找:{looked}。请安装该版本的客户端程序(PostgreSQL 13 起提供),或不做文件校验直接恢复。',
  },
  files_unproven: {
    class: 'corrupt',
    http: 500,
    message: '{program} found that the files in {directory} are not what was restored',
    hint: 'It said: {lines}. The disk or its driver changed what was written, or somebody else writes there. Check the disk, then restore again; no server was started.',
    messageZh: '{program} 发现 {directory} 中的文件与所恢复的内容不一致',
    hintZh:
      '程序输出:{lines}。磁盘或驱动改动了写入的内容,或有其他程序在写入。请检查磁盘后重新恢复;未启动任何数据库服务。',
  },
} as const satisfies Record<string, ErrorSpec>;
