import type { ErrorSpec } from '../error-spec.ts';

/** Errors of incremental sets and the sets that they build on (docs/format.md §8). */
export const chainErrors = {
  set_base_missing: {
    class: 'corrupt',
    http: 409,
    message: 'Set {set} builds on set {base}, which is not in pool {pool}',
    hint: 'Restore another set: without {base} this one cannot be read. If {base} lies in a copy of the pool, bring it back; then take a new full backup.',
    messageZh: '备份集 {set} 以 {base} 为基备份集,但存储池 {pool} 中没有该基备份集',
    hintZh:
      '请恢复其他备份集:缺少 {base} 时无法读取本备份集。若存储池副本中仍有 {base},请将其放回;然后重新做一次完全备份。',
  },
  set_head_unreadable: {
    class: 'corrupt',
    http: 409,
    message: 'Set {set} cannot be restored from pool {pool}, not even with its damage accepted: {why}',
    hint: 'Without its metadata, or in an encrypted pool its key, nobody can tell the files of a set. Of its chain, {others}: restore another set (--set), see `holdfast set ls`. If a copy of the pool has the object, bring it back; take a new full backup.',
    messageZh: '无法从存储池 {pool} 恢复备份集 {set},即使接受损坏也不行:{why}',
    hintZh:
      '缺少元数据(加密存储池中还包括密钥)时无法得知备份集包含哪些文件。其备份链:{others}。请用 --set 恢复其他备份集(见 `holdfast set ls`);若存储池副本中仍有该对象,请将其放回,并做一次新的完全备份。',
  },
  set_base_unreadable: {
    class: 'corrupt',
    http: 409,
    message: 'Set {set} cannot be restored from pool {pool} because its base {base} cannot be read: {why}',
    hint: 'Of its chain, {others}: restore another set (--set), see `holdfast set ls`. What {set} holds itself can still be written, with zeros and a list of them for all the rest: --set {set} --files-only --accept-damage <resource>; no server starts from that. Take a new full backup.',
    messageZh: '无法从存储池 {pool} 恢复备份集 {set}:其基备份集 {base} 无法读取:{why}',
    hintZh:
      '其备份链:{others}。请用 --set 恢复其他备份集(见 `holdfast set ls`)。{set} 自身包含的内容仍可写出,其余部分填零并逐一列出:--set {set} --files-only --accept-damage <资源>;这样的目录无法启动数据库。请做一次新的完全备份。',
  },
  set_base_damaged: {
    class: 'corrupt',
    http: 409,
    message: 'Set {set} builds on set {base}, which is not what it was in pool {pool}: {why}',
    hint: 'Restore another set, verify {base}, and take a new full backup: further incrementals must not build on it.',
    messageZh: '备份集 {set} 的基备份集 {base} 在存储池 {pool} 中已不是原来的内容:{why}',
    hintZh: '请恢复其他备份集,校验 {base},并重新做一次完全备份:不应再以它为基做增量备份。',
  },
} as const satisfies Record<string, ErrorSpec>;
