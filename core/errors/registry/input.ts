import type { ErrorSpec } from '../error-spec.ts';

/** Errors that any layer may raise about what it was given, and the two of last resort. */
export const inputErrors = {
  id_malformed: {
    class: 'input',
    http: 400,
    message: '"{text}" is not a {kind} id',
    hint: 'Copy the id from the list command of that noun; ids look like {kind}_ followed by 32 hex digits.',
    messageZh: '"{text}" 不是 {kind} 标识',
    hintZh: '请从对应的列表命令复制标识,格式为 {kind}_ 加 32 位十六进制数字。',
  },
  value_malformed: {
    class: 'input',
    http: 400,
    message: '"{text}" is not a valid {what}',
    hint: 'Write it as {expected}.',
    messageZh: '"{text}" 不是有效的 {what}',
    hintZh: '请按 {expected} 的格式填写。',
  },
  cancelled: {
    class: 'cancelled',
    http: 409,
    message: '{what} was cancelled',
    hint: 'Start it again when you are ready. The database is as it was; what already lies in the pool is no set and is never restored.',
    messageZh: '{what} 已取消',
    hintZh: '可随时重新开始。数据库保持原状;已写入存储池的内容不构成备份集,不会被恢复。',
  },
  bug: {
    class: 'bug',
    http: 500,
    message: 'Holdfast broke one of its own rules: {what}',
    hint: 'Report it with the run log; your data was not touched by this step.',
    messageZh: 'Holdfast 违反了自身约束:{what}',
    hintZh: '请附上运行日志进行反馈。',
  },
} as const satisfies Record<string, ErrorSpec>;
