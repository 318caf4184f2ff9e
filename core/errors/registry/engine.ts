import type { ErrorSpec } from '../error-spec.ts';

/** Errors about what a database product is: its build, its release, its functions. */
export const engineErrors = {
  engine_build_blocked: {
    class: 'precondition',
    http: 409,
    message:
      'The instance at {instance} is {title}: the guide of KingbaseES backup excludes this build by name (K-117), so it is not backed up',
    hint: 'Upgrade the instance to another build, then log in to the resource again.',
    messageZh: '实例 {instance} 的版本为 {title}:KingbaseES 备份指南明确不支持该版本,因此不予备份',
    hintZh: '请将实例升级到其他版本,然后重新登录资源。',
  },
  engine_storage_foreign: {
    class: 'precondition',
    http: 409,
    message:
      'The instance at {instance} is {title}, which keeps its data in storage of its own (.dbf files, REDOLOG) that cannot be copied page by page',
    hint: 'Use the logical tools of the vendor, or upgrade to V8R6 or V9; see docs/guides/kingbasees.md.',
    messageZh: '实例 {instance} 的版本为 {title},使用自有存储格式(.dbf 数据文件与 REDOLOG),无法做页级物理备份',
    hintZh: '请使用厂商的逻辑备份工具,或升级到 V8R6、V9;参见 docs/guides/kingbasees.md。',
  },
  engine_release_unproven: {
    class: 'precondition',
    http: 409,
    message:
      'The instance at {instance} is {title}: nothing of this release has ever been proven here, so no backup of it is promised',
    hint: 'Upgrade to V8R6 or V9, or use the tools of the vendor; see docs/guides/kingbasees.md.',
    messageZh: '实例 {instance} 的版本为 {title}:该版本没有任何实测依据,因此不承诺备份',
    hintZh: '请升级到 V8R6、V9,或使用厂商工具;参见 docs/guides/kingbasees.md。',
  },
  engine_unknown: {
    class: 'precondition',
    http: 409,
    message:
      'The instance at {instance} is registered as {engine} but answers as "{title}", which is no release that is known here',
    hint: 'Check socket and port of the resource; discover the host again when the product behind them has changed.',
    messageZh: '实例 {instance} 登记为 {engine},但应答为 "{title}",不是已知版本',
    hintZh: '请检查资源的套接字与端口;如果产品已更换,请重新发现主机。',
  },
  engine_functions_missing: {
    class: 'precondition',
    http: 409,
    message: 'The instance at {instance} ({title}) lacks system functions that a backup calls: {names}',
    hint: 'Log in as a user who may see the system catalog; if the release has no such functions it cannot be backed up.',
    messageZh: '实例 {instance}({title})缺少备份所需的系统函数:{names}',
    hintZh: '请使用可查看系统目录的用户登录;如果该版本没有这些函数,则无法备份。',
  },
  archive_of_other_tool: {
    class: 'precondition',
    http: 409,
    message:
      'The archive directory {directory} of the instance at {instance} lies in the repository of another backup tool ({mark}), which only that tool may change',
    hint: 'Name another archive log directory in the job and let archive_command copy into it as well; see docs/guides/kingbasees.md.',
    messageZh: '实例 {instance} 的归档日志目录 {directory} 位于其他备份工具的仓库({mark})内,只能由该工具修改',
    hintZh:
      '请在作业中指定其他归档日志目录(K-082),并让 archive_command 同时复制到该目录;参见 docs/guides/kingbasees.md。',
  },
} as const satisfies Record<string, ErrorSpec>;
