import type { ErrorSpec } from '../error-spec.ts';

/** Errors of backups of a standby (design §5). */
export const standbyErrors = {
  primary_other: {
    class: 'precondition',
    http: 409,
    message: '{primary} is not the primary of {standby}: {reason}',
    hint: 'Name the resource that the standby follows with --primary, and with --primary-address where the standby’s host reaches it.',
    messageZh: '{primary} 不是 {standby} 的主库:{reason}',
    hintZh: '请用 --primary 指定该备库所跟随的资源,并用 --primary-address 指定备库主机可访问的地址。',
  },
  primary_out_of_reach: {
    class: 'precondition',
    http: 409,
    message: '{primary} is on another host than {standby}, and only its socket there is known',
    hint: 'Say with --primary-address host:port where the host of the standby reaches the primary.',
    messageZh: '{primary} 与 {standby} 不在同一主机,且仅知道其本地套接字',
    hintZh: '请用 --primary-address host:port 指定备库主机可访问的主库地址。',
  },
  standby_quiet: {
    class: 'precondition',
    http: 409,
    message:
      'The primary of the standby at {instance} wrote nothing since it was started: no recovery could stop behind {lsn}',
    hint: 'Name the primary with --primary, which forces a checkpoint there, or start the backup again when something was written.',
    messageZh: '备库 {instance} 的主库自启动以来未写入任何日志:恢复无法在 {lsn} 之后停止',
    hintZh: '请用 --primary 指定主库(将在其上强制检查点),或在有写入后重新备份。',
  },
  standby_behind: {
    class: 'unavailable',
    http: 503,
    message:
      'The standby at {instance} replayed up to {reached} and did not reach {wanted} of its primary within {minutes} min',
    hint: 'Look at the replication of the standby (pg_stat_wal_receiver, pg_wal_replay_resume()); it is tried again.',
    messageZh: '备库 {instance} 仅回放到 {reached},未在 {minutes} 分钟内到达主库的 {wanted}',
    hintZh: '请检查备库的复制状态(pg_stat_wal_receiver、pg_wal_replay_resume());系统会重试。',
  },
} as const satisfies Record<string, ErrorSpec>;
