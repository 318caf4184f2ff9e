import type { ErrorSpec } from '../error-spec.ts';

/** Errors of fetching log into a directory (K-091). */
export const logRestoreErrors = {
  log_range_open: {
    class: 'input',
    http: 400,
    message: 'The range of log of {resource} has no begin',
    hint: 'Name it with --from as a time with its zone or an LSN, or name the backup set that the log shall lead on from with --set.',
    messageZh: '{resource} 的日志范围没有起点',
    hintZh: '请用 --from 指定带时区的时间或 LSN,或用 --set 指定日志所接续的备份集。',
  },
  log_range_reversed: {
    class: 'input',
    http: 400,
    message: 'The range of log ends ({to}) before it begins ({from})',
    hint: 'Exchange the two ends.',
    messageZh: '日志范围的终点({to})早于起点({from})',
    hintZh: '请交换起点和终点。',
  },
  log_range_empty: {
    class: 'precondition',
    http: 409,
    message: 'The pools hold no log of {resource} in this range',
    hint: 'Known log on this branch: {known}. `holdfast timeline {resource}` shows all branches; another one is chosen with --timeline. Run a log backup if the log is newer than the last one.',
    messageZh: '存储池中没有 {resource} 在该范围内的日志',
    hintZh:
      '该恢复分支上已知的日志:{known}。`holdfast timeline {resource}` 可查看所有分支,用 --timeline 选择其他分支;若日志晚于上次日志备份,请先执行日志备份。',
  },
  log_set_elsewhere: {
    class: 'input',
    http: 409,
    message: 'Set {set} lies on timeline {timeline}, which does not lead to timeline {asked}',
    hint: 'Choose the timeline of the set with --timeline {timeline}, or a set of the other branch; `holdfast set ls` shows them.',
    messageZh: '备份集 {set} 位于时间线 {timeline},不通向时间线 {asked}',
    hintZh: '请用 --timeline {timeline} 选择该备份集所在的时间线,或选择另一分支的备份集;`holdfast set ls` 可查看。',
  },
  log_all_damaged: {
    class: 'corrupt',
    http: 422,
    message: 'None of the {count} segments of log could be read from pool {pool}: {first}',
    hint: 'Verify the pool with `holdfast pool scrub {pool}`, and fetch the log from another pool with --pool. The directory was left empty.',
    messageZh: '{count} 个日志段均无法从存储池 {pool} 读取:{first}',
    hintZh: '请用 `holdfast pool scrub {pool}` 检查存储池,并用 --pool 从其他存储池取日志。目标目录保持为空。',
  },
} as const satisfies Record<string, ErrorSpec>;
