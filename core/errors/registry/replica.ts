import type { ErrorSpec } from '../error-spec.ts';

/** Errors of copies from pool to pool, of keys and of protected pools. */
export const replicaErrors = {
  copy_nothing: {
    class: 'input',
    http: 400,
    message: 'It is not said what to copy from pool {pool}',
    hint: 'Name sets with --set, or take every good set with --all, the log with --log, or both.',
    messageZh: '未指定要从存储池 {pool} 复制的内容',
    hintZh: '请用 --set 指定备份集,或用 --all 复制所有可用备份集,用 --log 复制日志,可同时使用。',
  },
  copy_same_pool: {
    class: 'input',
    http: 400,
    message: 'Pool {pool} cannot be copied into itself',
    hint: 'Name another pool with --to; `holdfast pool ls` lists them.',
    messageZh: '存储池 {pool} 不能复制到自身',
    hintZh: '请用 --to 指定另一个存储池;`holdfast pool ls` 可列出全部存储池。',
  },
  copy_no_host: {
    class: 'precondition',
    http: 409,
    message: 'No host reaches both pool {from} and pool {to}',
    hint: 'A local pool is reached by its own host only: copy through a shared pool (S3), or attach one of them on the host of the other.',
    messageZh: '没有主机能同时访问存储池 {from} 和 {to}',
    hintZh: '本地存储池只能由其所在主机访问:请经由共享存储池(S3)复制,或在另一存储池所在主机上挂接其中之一。',
  },
  copy_refused: {
    class: 'precondition',
    http: 409,
    message: 'Set {set} is not copied from pool {from} to pool {to}: {why}',
    hint: 'Choose another set; `holdfast set show {set}` says what it needs. A set that was deleted from a pool comes back there only when it is named with --set.',
    messageZh: '备份集 {set} 未从存储池 {from} 复制到 {to}:{why}',
    hintZh:
      '请选择其他备份集;`holdfast set show {set}` 可查看其依赖。已从某存储池删除的备份集,只有用 --set 指名时才会回到该池。',
  },
  copy_contended: {
    class: 'precondition',
    http: 409,
    message: 'Object {object} of pool {pool} was made by somebody else during the copy',
    hint: 'Two copies, or a copy and a log backup, worked on the same thing: wait for the other and run the copy again; what is there is not sent again.',
    messageZh: '复制期间,存储池 {pool} 中的对象 {object} 已由其他任务创建',
    hintZh: '两个复制任务或复制与日志备份同时处理了同一内容:请等待另一任务结束后重新复制;已有内容不会重复发送。',
  },
  copy_incomplete: {
    class: 'corrupt',
    http: 500,
    message: '{count} of what was to be copied from pool {from} to pool {to} cannot be read, first {what}: {why}',
    hint: 'Everything else is in pool {to}. Look at the log of the run for all of them, verify those sets in pool {from}, and take a new full backup where a set is damaged.',
    messageZh: '从存储池 {from} 复制到 {to} 时有 {count} 项无法读取,首个为 {what}:{why}',
    hintZh:
      '其余内容已复制到存储池 {to}。请查看运行日志获取全部项目,在存储池 {from} 中校验这些备份集,若有损坏请重新做完全备份。',
  },
  pool_not_encrypted: {
    class: 'precondition',
    http: 409,
    message: 'Pool {pool} is not encrypted and has no key to rotate',
    hint: 'Create an encrypted pool (`holdfast pool create … --encrypted`) and copy what you need into it with `holdfast pool copy`.',
    messageZh: '存储池 {pool} 未加密,没有可轮换的密钥',
    hintZh: '请创建加密存储池(`holdfast pool create … --encrypted`),并用 `holdfast pool copy` 复制所需内容。',
  },
  passphrase_old: {
    class: 'unavailable',
    http: 503,
    message: 'The passphrase for pool {pool} is one of before the last rotation of its key',
    hint: 'A run asks for the new one by itself and goes on. If the key was rotated by another installation, tell this one: `holdfast pool rotate-key {pool}` with the newest passphrase changes nothing in the pool.',
    messageZh: '存储池 {pool} 的口令是最近一次密钥轮换之前的口令',
    hintZh:
      '运行会自动获取新口令并继续。如果密钥由其他安装轮换,请用最新口令执行 `holdfast pool rotate-key {pool}` 告知本系统,存储池内容不会改变。',
  },
  key_contended: {
    class: 'precondition',
    http: 409,
    message: 'The key of pool {pool} was rotated by somebody else at the same moment',
    hint: 'Find out which passphrase holds now (`holdfast pool test {pool}` works with it), then rotate again.',
    messageZh: '存储池 {pool} 的密钥在同一时刻被其他任务轮换',
    hintZh: '请确认当前有效的口令(用它执行 `holdfast pool test {pool}` 可成功),然后再次轮换。',
  },
  pool_not_lockable: {
    class: 'precondition',
    http: 409,
    message: 'Bucket {bucket} has no object lock, so pool {pool} cannot be immutable',
    hint: 'Object lock is turned on when a bucket is made: name a bucket that does not exist yet, have one made with object lock, or leave --immutable away.',
    messageZh: '存储桶 {bucket} 未启用对象锁定,存储池 {pool} 无法设为不可变',
    hintZh: '对象锁定只能在创建存储桶时启用:请指定尚不存在的存储桶,或创建启用对象锁定的存储桶,或不使用 --immutable。',
  },
  pool_protection_differs: {
    class: 'precondition',
    http: 409,
    message: 'Pool {pool} protects its objects for {wanted} days, and here {given} are given (0: not at all)',
    hint: 'Attach it with --immutable {wanted}, or without --immutable when that is 0: whoever writes must protect as the pool says.',
    messageZh: '存储池 {pool} 的对象保护期为 {wanted} 天,而此处为 {given} 天(0 表示不保护)',
    hintZh: '请使用 --immutable {wanted} 挂接;若为 0 则不使用 --immutable:所有写入方必须按存储池的规定进行保护。',
  },
} as const satisfies Record<string, ErrorSpec>;
