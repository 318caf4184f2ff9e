import type { ErrorSpec } from '../error-spec.ts';

/** Errors of the streaming receiver of log. */
export const streamErrors = {
  stream_refused: {
    class: 'precondition',
    http: 409,
    message: 'The instance at {instance} does not stream its log to us: {reason}',
    hint: 'The login needs the REPLICATION right, pg_hba.conf a line for the database "replication", and the server wal_level = replica and a free place in max_wal_senders.',
    messageZh: '实例 {instance} 拒绝流式发送日志:{reason}',
    hintZh:
      '登录用户需要 REPLICATION 权限,pg_hba.conf 需要 "replication" 条目,服务器需要 wal_level = replica 且 max_wal_senders 有空位。',
  },
  stream_source_standby: {
    class: 'precondition',
    http: 409,
    message: 'The instance at {instance} is a standby: its log is streamed from its primary only',
    hint: 'Stream the log of the primary, or promote this instance first.',
    messageZh: '实例 {instance} 是备库:只能从主库流式接收日志',
    hintZh: '请对主库启用日志流,或先提升该实例。',
  },
  slot_refused: {
    class: 'precondition',
    http: 409,
    message: 'The replication slot {slot} cannot be used on the instance at {instance}: {reason}',
    hint: 'Check max_replication_slots and the REPLICATION right of the login, and that no other program uses a slot of this name.',
    messageZh: '实例 {instance} 上的复制槽 {slot} 不可用:{reason}',
    hintZh: '请检查 max_replication_slots 与登录用户的 REPLICATION 权限,并确认没有其他程序使用同名复制槽。',
  },
  slot_lost: {
    class: 'precondition',
    http: 409,
    message:
      'The replication slot {slot} of the instance at {instance} is gone ({reason}): log from {from} on is not certain to be there any more',
    hint: 'Start the stream again: it makes a new slot, goes on without a gap if the server or the archive directory still has the log, and else records the gap. After a gap take a full backup.',
    messageZh: '实例 {instance} 的复制槽 {slot} 已丢失({reason}):自 {from} 起的日志可能已不完整',
    hintZh:
      '请重新启动日志流:将创建新的复制槽;若服务器或归档目录仍保留日志则无缺口,否则记录缺口。出现缺口后请执行完全备份。',
  },
  stream_out_of_order: {
    class: 'corrupt',
    http: 500,
    message: 'The instance at {instance} sent log from {found} on where {expected} was due',
    hint: 'Check what stands between agent and server; the stream begins anew.',
    messageZh: '实例 {instance} 发送了自 {found} 起的日志,而应为 {expected}',
    hintZh: '请检查代理端与服务器之间的网络设备;日志流将重新开始。',
  },
} as const satisfies Record<string, ErrorSpec>;
