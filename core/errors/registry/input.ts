import type { ErrorSpec } from '../error-spec.ts';

/** Errors that any layer may raise about what it was given, and the two of last resort. */
export const inputErrors = {
  id_malformed: {
    class: 'input',
    http: 400,
    message: '"{text}" is not a {noun} id',
    hint: 'The id of a {noun} is {kind}_ and 32 hex digits: copy all of it from the command that lists it, e.g. `holdfast run ls`, `holdfast set ls`.',
    messageZh: '"{text}" 不是 {noun} 标识',
    hintZh:
      '{noun} 标识为 {kind}_ 加 32 位十六进制数字:请从列表命令(如 `holdfast run ls`、`holdfast set ls`)完整复制。',
  },
  name_blank: {
    class: 'input',
    http: 400,
    message: 'The {noun} is named by an empty text',
    hint: 'Give its name or its id; an empty text is often a variable that is not set.',
    messageZh: '{noun} 的名称为空',
    hintZh: '请填写其名称或标识;空文本往往是未设置的变量。',
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
