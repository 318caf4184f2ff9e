import type { ErrorSpec } from '../error-spec.ts';

/** Errors of looking into stored backups: verify and scrub. */
export const verifyErrors = {
  page_damaged_in_set: {
    class: 'corrupt',
    http: 409,
    message:
      'Block {block} of {path} has a wrong page checksum, although the stored bytes are those that were backed up',
    hint: 'The page was damaged before the backup, or in memory while it was made: check the running instance with pg_amcheck, look for an older set in which the page is right, and take a new full backup.',
    messageZh: '{path} 的第 {block} 块页校验和错误,但存储的字节与备份时一致',
    hintZh:
      '该页在备份之前或备份过程中的内存里已损坏:请用 pg_amcheck 检查运行中的实例,查找该页仍正确的较早备份集,并做一次新的完全备份。',
  },
  scrub_found_damage: {
    class: 'corrupt',
    http: 409,
    message:
      'The scrub of pool {pool} found damage in {count} of {looked} sets and log batches, first in {object}: {what}',
    hint: 'What is damaged is out of use already and is listed by `holdfast pool scrub {pool} --plan`; take a full backup of the resource if none was started, and check the storage below the pool.',
    messageZh: '存储池 {pool} 的巡检在 {looked} 个备份集和日志批次中发现 {count} 个损坏,首个为 {object}:{what}',
    hintZh:
      '损坏的对象已停止使用,可用 `holdfast pool scrub {pool} --plan` 查看;如未自动开始,请对该资源做一次完全备份,并检查存储池下层存储。',
  },
} as const satisfies Record<string, ErrorSpec>;
