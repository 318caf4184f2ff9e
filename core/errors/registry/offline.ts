import type { ErrorSpec } from '../error-spec.ts';

/** Errors of backups of closed instances (D-007) and of sets without their log (D-021). */
export const offlineErrors = {
  without_log_refused: {
    class: 'precondition',
    http: 409,
    message: 'A backup without its log (--without-log) is refused: {why}',
    hint: 'Back up the log of the resource into the same pool first (holdfast backup --type log, or a job), or leave out --without-log.',
    messageZh: '拒绝不含日志的备份(--without-log):{why}',
    hintZh: '请先将该资源的日志备份到同一存储池(holdfast backup --type log 或日志备份作业),或去掉 --without-log。',
  },
  instance_running: {
    class: 'unsafe',
    http: 409,
    message: 'A server uses {directory}, so it cannot be backed up offline: {evidence}',
    hint: 'Close the instance and start the backup again, or leave out --offline to back it up while it runs.',
    messageZh: '{directory} 正被服务器使用,不能做脱机备份:{evidence}',
    hintZh: '请关闭实例后重新备份,或去掉 --offline 做联机备份。',
  },
  instance_unfit_offline: {
    class: 'precondition',
    http: 409,
    message: 'The closed instance in {directory} cannot be backed up offline: {reason}',
    hint: 'Start the instance until it is open, close it again, then start the backup again.',
    messageZh: '关闭的实例 {directory} 不能做脱机备份:{reason}',
    hintZh: '请先将实例启动至打开状态,再次关闭后重新备份。',
  },
} as const satisfies Record<string, ErrorSpec>;
