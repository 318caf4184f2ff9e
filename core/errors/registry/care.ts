import type { ErrorSpec } from '../error-spec.ts';

/** Errors of retention, marks, deletion and the collection of leftovers. */
export const careErrors = {
  retention_policy_bad: {
    class: 'input',
    http: 400,
    message: 'This retention policy contradicts itself: {what}',
    hint: 'Give at least one generation, an IANA time zone such as Asia/Shanghai, and log at least as long as the window; see `holdfast retention set --help`.',
    messageZh: '保留策略自相矛盾:{what}',
    hintZh:
      '请至少保留一代,使用 Asia/Shanghai 这样的 IANA 时区,且日志保留不短于恢复窗口;参见 `holdfast retention set --help`。',
  },
  retention_rule_missing: {
    class: 'input',
    http: 400,
    message: 'No retention rule was given',
    hint: 'Add one, e.g. --fulls 2, --window-days 14 or --weekly 4; --none takes a policy away, and everything is kept.',
    messageZh: '未指定保留规则',
    hintZh: '请加上一条规则,例如 --fulls 2、--window-days 14 或 --weekly 4;--none 取消策略并保留全部。',
  },
  retention_not_set: {
    class: 'precondition',
    http: 409,
    message: 'No retention is set for resource {resource} in pool {pool}: everything is kept',
    hint: 'Set one with `holdfast retention set --resource {resource} --pool {pool} --fulls 3`, or remove single sets with `holdfast set rm`.',
    messageZh: '资源 {resource} 在存储池 {pool} 中未设置保留策略:全部保留',
    hintZh:
      '请用 `holdfast retention set --resource {resource} --pool {pool} --fulls 3` 设置,或用 `holdfast set rm` 删除单个备份集。',
  },
  plan_unknown: {
    class: 'input',
    http: 404,
    message: 'There is no care plan {plan}',
    hint: 'Make one with `holdfast retention plan` or `holdfast set rm`, and run it by the id that it prints.',
    messageZh: '不存在清理计划 {plan}',
    hintZh: '请用 `holdfast retention plan` 或 `holdfast set rm` 生成计划,并按打印的标识执行。',
  },
  plan_outdated: {
    class: 'precondition',
    http: 409,
    message: 'Plan {plan} is not executed: {what}',
    hint: 'Make a new plan, look at it and run that one; nothing was deleted.',
    messageZh: '计划 {plan} 未执行:{what}',
    hintZh: '请重新生成计划,确认后再执行;没有删除任何内容。',
  },
  plan_consent: {
    class: 'unsafe',
    http: 409,
    message: 'Plan {plan} removes {count} backup sets for good, and the consent is not the name of their resource',
    hint: 'Look at the plan, then run it with --consent {resource}.',
    messageZh: '计划 {plan} 将永久删除 {count} 个备份集,而确认文本不是其资源名称',
    hintZh: '请先查看计划,然后加上 --consent {resource} 执行。',
  },
  set_protected: {
    class: 'precondition',
    http: 409,
    message: 'Set {set} is not removed: {why}',
    hint: 'Take the protection away first (`holdfast set unpin`, `holdfast set release`) if you may, or wait until it ends.',
    messageZh: '备份集 {set} 未删除:{why}',
    hintZh: '如有权限请先解除保护(`holdfast set unpin`、`holdfast set release`),或等待其到期。',
  },
  set_being_deleted: {
    class: 'precondition',
    http: 409,
    message: 'Set {set} is being deleted by run {run}',
    hint: 'Choose another set; see `holdfast run show {run}` for why it goes.',
    messageZh: '备份集 {set} 正在被运行 {run} 删除',
    hintZh: '请选择其他备份集;删除原因见 `holdfast run show {run}`。',
  },
  base_being_deleted: {
    class: 'unavailable',
    http: 503,
    message: 'The base {set} of this backup is being deleted by run {run}',
    hint: 'Nothing to do: another base is chosen as soon as it is gone.',
    messageZh: '本次备份的基础备份集 {set} 正在被运行 {run} 删除',
    hintZh: '无需操作:删除完成后会自动选择其他基础备份集。',
  },
  log_being_deleted: {
    class: 'unavailable',
    http: 503,
    message: 'Log of database {system} in this pool is being deleted by run {run}',
    hint: 'Nothing to do: what waits for it begins as soon as that run is done.',
    messageZh: '该存储池中数据库 {system} 的日志正在被运行 {run} 删除',
    hintZh: '无需操作:该运行结束后会自动继续。',
  },
  delete_refused: {
    class: 'precondition',
    http: 409,
    message: 'Pool {pool} refused to delete {object}: {why}',
    hint: 'The store protects its objects (object lock, retention or a policy of the bucket): wait until the protection ends, or give the login the right to delete. The set stays listed until its objects are gone.',
    messageZh: '存储池 {pool} 拒绝删除 {object}:{why}',
    hintZh:
      '该存储启用了对象保护(对象锁、保留期或存储桶策略):请等待保护到期,或授予删除权限。对象删除前该备份集仍会列出。',
  },
  mark_contended: {
    class: 'unavailable',
    http: 503,
    message: 'Others kept writing marks of set {set} at the same time',
    hint: 'Nothing was marked by this request; ask again.',
    messageZh: '其他请求同时在为备份集 {set} 写标记',
    hintZh: '本次请求未写入标记;请重试。',
  },
} as const satisfies Record<string, ErrorSpec>;
