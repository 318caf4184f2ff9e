import type { ErrorSpec } from '../error-spec.ts';

/** Errors about sets and their chains. */
export const setErrors = {
  restore_set_unusable: {
    class: 'precondition',
    http: 409,
    message: 'Set {setId} of {resource} cannot be restored: {reason}',
    hint: 'Choose another set with `holdfast set ls`, or leave the set out so that the planner chooses. `holdfast set show {setId}` shows the chain that the set needs.',
    messageZh: '无法恢复 {resource} 的备份集 {setId}：{reason}',
    hintZh:
      '请用 `holdfast set ls` 选择其他备份集，或不指定备份集由系统选择。`holdfast set show {setId}` 可查看其备份链。',
  },
  no_set_usable: {
    class: 'precondition',
    http: 409,
    message: 'No backup set of {resource} can be restored now: {reasons}',
    hint: 'Name another pool that holds the database with --pool, and take a full backup of {resource} at once. Run `holdfast set verify` again after a pool that was away is back; `holdfast catalog rebuild` finds sets of a pool that the catalog has forgotten.',
    messageZh: '{resource} 目前没有可恢复的备份集：{reasons}',
    hintZh:
      '请用 --pool 指定保存该数据库的其他存储池，并立即对 {resource} 做一次完全备份。存储池恢复后可再次执行 `holdfast set verify`；`holdfast catalog rebuild` 可找回目录中缺失的备份集。',
  },
  point_needs_excluded_set: {
    class: 'precondition',
    http: 409,
    message:
      'The point {point} of {resource} can be reached only from set {setId}, which cannot be used: {reason}. Nearest reachable points: before {before}, after {after}',
    hint: 'Restore to one of the nearest points, or name another pool that holds the database; `holdfast timeline {resource}` shows every point that can be reached.',
    messageZh:
      '{resource} 的时间点 {point} 只能从备份集 {setId} 恢复，但该备份集不可用：{reason}。最近的可恢复点：之前 {before}，之后 {after}',
    hintZh: '请恢复到最近的可恢复点，或指定其他存储池；`holdfast timeline {resource}` 可查看所有可恢复的时间点。',
  },
  set_not_incremental: {
    class: 'input',
    http: 409,
    message: 'Set {set} is a full: there is nothing to merge',
    hint: 'Name a differential or cumulative set; `holdfast set ls` shows each below the full that its chain begins with.',
    messageZh: '备份集 {set} 是完全备份，无需合并',
    hintZh: '请指定差异增量或累积增量备份集；`holdfast set ls` 会把它们列在所属完全备份之下。',
  },
  set_merge_unusable: {
    class: 'precondition',
    http: 409,
    message: 'Set {set} cannot be merged: {reason}',
    hint: 'A full that is made of a damaged, quarantined or broken chain would be as bad. `holdfast set show {set}` shows the chain; merge an older set of it, or take a full backup.',
    messageZh: '无法合并备份集 {set}：{reason}',
    hintZh:
      '由已损坏、已隔离或不完整的备份链合并出的完全备份同样不可用。`holdfast set show {set}` 可查看备份链；请合并链中更早的备份集，或做一次完全备份。',
  },
  merge_space_short: {
    class: 'precondition',
    http: 507,
    message: 'Pool {pool} has {free} bytes free; the merged set needs up to {needed}',
    hint: 'Make room in the pool, e.g. with `holdfast retention plan`, and merge again. Nothing was written.',
    messageZh: '存储池 {pool} 剩余 {free} 字节，合并后的备份集最多需要 {needed} 字节',
    hintZh: '请先腾出存储池空间（例如使用 `holdfast retention plan`），然后重新合并。尚未写入任何内容。',
  },
  sets_not_comparable: {
    class: 'input',
    http: 409,
    message: 'Sets {first} and {second} cannot be compared: they are of two databases or lie in two pools',
    hint: 'Compare two sets of one resource in one pool; `holdfast set ls --resource <name>` lists them.',
    messageZh: '无法比较备份集 {first} 与 {second}：它们属于不同的数据库或位于不同的存储池',
    hintZh: '请比较同一资源在同一存储池中的两个备份集；可用 `holdfast set ls --resource <名称>` 查看。',
  },
} as const satisfies Record<string, ErrorSpec>;
