import type { ErrorSpec } from '../error-spec.ts';

/** Errors of what a person types: where to, whether they mean it, and what they ended. */
export const commandErrors = {
  place_unready: {
    class: 'precondition',
    http: 409,
    message: 'The plan holds, but its place is not ready: these checks failed: {checks}',
    hint: 'Follow what is printed beside each failed check, then plan again; nothing was touched.',
    messageZh: '计划本身可行,但目标位置尚未就绪,以下检查未通过:{checks}',
    hintZh: '请按每项检查旁的提示处理后重新计划;未改动任何内容。',
  },
  place_missing: {
    class: 'input',
    http: 400,
    message: 'The restore names no place to restore to',
    hint: 'Add --to <empty directory> for a copy, or --in-place to replace the data directory of the resource itself.',
    messageZh: '未指定恢复到何处',
    hintZh: '请加上 --to <空目录> 恢复为副本,或加上 --in-place 替换该资源自身的数据目录。',
  },
  place_twice: {
    class: 'input',
    http: 400,
    message: 'The restore names two places: {directory} and the data directory of the resource',
    hint: 'Give either --to <empty directory> or --in-place.',
    messageZh: '恢复同时指定了两个位置:{directory} 与资源自身的数据目录',
    hintZh: '--to <空目录> 与 --in-place 只能二选一。',
  },
  consent_missing: {
    class: 'unsafe',
    http: 409,
    message: 'A restore in place replaces resource {resource} and needs typed consent',
    hint: 'Type the name of the resource: --in-place --consent {resource}.',
    messageZh: '原地恢复将替换资源 {resource},需要输入名称确认',
    hintZh: '请输入资源名称确认:--in-place --consent {resource}。',
  },
  file_unreadable: {
    class: 'input',
    http: 400,
    message: 'The file of {option} cannot be read: {file}: {why}',
    hint: 'Name a file on this machine that this account may read; a path that does not begin with / is looked up from the present folder.',
    messageZh: '无法读取 {option} 指定的文件 {file}:{why}',
    hintZh: '请指定本机上当前账号可读的文件;不以 / 开头的路径相对于当前目录。',
  },
  file_exists: {
    class: 'input',
    http: 409,
    message: 'The file of {option} is there already: {file}',
    hint: 'Name a new file, or move the old one away first; nothing is overwritten.',
    messageZh: '{option} 指定的文件已存在:{file}',
    hintZh: '请指定新文件,或先移走旧文件;不会覆盖任何内容。',
  },
  file_not_made: {
    class: 'input',
    http: 400,
    message: 'The file of {option} cannot be made: {file}: {why}',
    hint: 'Make its folder first, or name one in which this account may write.',
    messageZh: '无法创建 {option} 指定的文件 {file}:{why}',
    hintZh: '请先创建所在目录,或指定当前账号可写的目录。',
  },
  interrupted: {
    class: 'cancelled',
    http: 499,
    message: 'You stopped waiting; run {run} goes on',
    hint: 'Follow it with `holdfast run watch {run}`; stop it with `holdfast run cancel {run}`.',
    messageZh: '已停止等待;运行 {run} 仍在继续',
    hintZh: '可用 `holdfast run watch {run}` 继续查看,用 `holdfast run cancel {run}` 停止该运行。',
  },
} as const satisfies Record<string, ErrorSpec>;
