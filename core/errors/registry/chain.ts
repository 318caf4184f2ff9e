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
  set_base_damaged: {
    class: 'corrupt',
    http: 409,
    message: 'Set {set} builds on set {base}, which is not what it was in pool {pool}: {why}',
    hint: 'Restore another set, verify {base}, and take a new full backup: further incrementals must not build on it.',
    messageZh: '备份集 {set} 的基备份集 {base} 在存储池 {pool} 中已不是原来的内容:{why}',
    hintZh: '请恢复其他备份集,校验 {base},并重新做一次完全备份:不应再以它为基做增量备份。',
  },
} as const satisfies Record<string, ErrorSpec>;
