import type { ErrorSpec } from '../error-spec.ts';

/** Errors of scripts that run before and after the work of a run (K-087, K-088), and of trying a run again. */
export const hookErrors = {
  scripts_not_allowed: {
    class: 'precondition',
    http: 409,
    message: 'The agent of this host allows no scripts, and the job names {script}',
    hint: 'Set HOLDFAST_AGENT_SCRIPTS of the agent to the directory of its scripts and restart it, or take the script off the job.',
    messageZh: '该主机的代理不允许运行脚本,而作业指定了 {script}',
    hintZh: '请将代理的 HOLDFAST_AGENT_SCRIPTS 设为脚本目录并重启代理,或从作业中去掉该脚本。',
  },
  script_missing: {
    class: 'precondition',
    http: 409,
    message: 'Script {script} does not exist below {directory}',
    hint: 'Put the script there, or correct its name in the job; the run has touched nothing.',
    messageZh: '目录 {directory} 下不存在脚本 {script}',
    hintZh: '请将脚本放到该目录,或更正作业中的脚本名;本次运行未改动任何内容。',
  },
  script_refused: {
    class: 'unsafe',
    http: 409,
    message: 'Script {script} is not run: {reason}',
    hint: 'The script and the directories above it, up to the allowed one, must belong to root or the account of the agent, be writable by nobody else, and lie inside; the script must be executable.',
    messageZh: '拒绝运行脚本 {script}:{reason}',
    hintZh: '脚本及其到允许目录为止的各级目录须属于 root 或代理账户、其他用户不可写且位于允许目录之内;脚本须可执行。',
  },
  precondition_false: {
    class: 'precondition',
    http: 409,
    message: 'The precondition {script} said "not now" with exit status 1',
    hint: 'Nothing was done and nothing is wrong: the job runs again at its next time, or by hand when the precondition holds.',
    messageZh: '前置条件脚本 {script} 以退出码 1 表示“暂不运行”',
    hintZh: '未执行任何操作,也没有错误:作业将在下次计划时间再次运行,或在条件满足时手动运行。',
  },
  script_failed: {
    class: 'precondition',
    http: 409,
    message: 'Script {script} ({hook}) ended with exit status {exit}',
    hint: 'Its output is in the log of the run: `holdfast run logs`. Correct it, then `holdfast run retry`; --script-failure warn lets runs go on without it.',
    messageZh: '脚本 {script}({hook})以退出码 {exit} 结束',
    hintZh:
      '其输出见运行日志(`holdfast run logs`)。修正后执行 `holdfast run retry`;若希望脚本失败时仍继续,可设为 warn。',
  },
  script_timed_out: {
    class: 'precondition',
    http: 409,
    message: 'Script {script} ({hook}) did not end within {seconds} s and was ended with all that it started',
    hint: 'Look into the log of the run for what it waited for, or give it more time in the job.',
    messageZh: '脚本 {script}({hook})未在 {seconds} 秒内结束,已连同其启动的进程一并终止',
    hintZh: '请在运行日志中查看其等待的原因,或在作业中延长超时时间。',
  },
  script_interrupted: {
    class: 'precondition',
    http: 409,
    message: 'Script {script} ({hook}) was cut off twice by a restart of the agent',
    hint: 'It is not run a third time. See on the host what it left, then `holdfast run retry`.',
    messageZh: '脚本 {script}({hook})两次因代理重启而中断',
    hintZh: '不会第三次运行。请在主机上检查其留下的内容,然后执行 `holdfast run retry`。',
  },
  run_over: {
    class: 'precondition',
    http: 409,
    message:
      'Run {run} was over before its work was: this host had not been heard of within the reconnect time, or the run was terminated',
    hint: 'What the work had begun was cleaned up. When the connection is back, `holdfast run retry {run}`.',
    messageZh: '运行 {run} 在其工作完成之前已经结束:该主机在重连时间内失去联系,或运行被终止',
    hintZh: '工作已开始的内容已清理。连接恢复后可执行 `holdfast run retry {run}`。',
  },
  run_still_open: {
    class: 'precondition',
    http: 409,
    message: 'Run {run} is {state}: only a run that is over can be tried again',
    hint: 'Wait for its end with `holdfast run watch {run}`, or cancel it first.',
    messageZh: '运行 {run} 处于 {state} 状态:只有已结束的运行才能重试',
    hintZh: '请用 `holdfast run watch {run}` 等待其结束,或先取消该运行。',
  },
  run_not_repeatable: {
    class: 'precondition',
    http: 409,
    message: 'Run {run} ({kind}) cannot be tried again as it was: {reason}',
    hint: 'Ask for it anew with its own command.',
    messageZh: '运行 {run}({kind})无法按原样重试:{reason}',
    hintZh: '请使用相应命令重新发起。',
  },
} as const satisfies Record<string, ErrorSpec>;
