import type { ErrorSpec } from '../error-spec.ts';

/** Errors of the copy pipeline (agent/copy) and of the bench that measures it. */
export const copyErrors = {
  source_missing: {
    class: 'precondition',
    http: 409,
    message: '{path} vanished while it was being copied, and the set is useless without it',
    hint: 'Check that the instance still runs on this data directory and that nobody removed files by hand, then start the backup again.',
    messageZh: '{path} 在复制过程中消失,缺少该文件的备份集无法使用',
    hintZh: '请确认实例仍在该数据目录上运行且无人手工删除文件,然后重新备份。',
  },
  source_unreadable: {
    class: 'precondition',
    http: 409,
    message: '{path} cannot be read: {why}',
    hint: 'Let the agent user read the file, and check the disk and the kernel log if it says EIO; then start the backup again.',
    messageZh: '无法读取 {path}:{why}',
    hintZh: '请授予代理端用户读取权限;若为 EIO,请检查磁盘与内核日志;然后重新备份。',
  },
  copy_thread_lost: {
    class: 'unavailable',
    http: 503,
    message: 'A copy thread ended early: {why}',
    hint: 'The run tries again and sends only what the pool lacks; if it repeats, lower the channels or give the agent more memory.',
    messageZh: '复制线程意外结束:{why}',
    hintZh: '运行会自动重试,只发送存储池缺少的数据;若反复出现,请减少通道数或增加代理端内存。',
  },
  bench_tool_missing: {
    class: 'precondition',
    http: 500,
    message: 'The bench needs {tool}, which is not there',
    hint: 'Install PostgreSQL 15 with its client tools (Debian: postgresql-15), then run the bench again.',
    messageZh: '基准测试缺少 {tool}',
    hintZh: '请安装 PostgreSQL 15 及其客户端工具(Debian:postgresql-15)后重新运行基准测试。',
  },
  bench_not_comparable: {
    class: 'precondition',
    http: 500,
    message: 'The bench cannot compare {contender}: {why}',
    hint: 'Run the bench on a machine where nothing else works; if it repeats, look into the log of the server in its folder.',
    messageZh: '基准测试无法比较 {contender}:{why}',
    hintZh: '请在没有其他负载的机器上运行基准测试;若反复出现,请查看其目录中的服务器日志。',
  },
} as const satisfies Record<string, ErrorSpec>;
