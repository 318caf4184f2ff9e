import type { ErrorSpec } from '../error-spec.ts';

/** Errors of drills and their reports (K-092). */
export const drillErrors = {
  drill_failed: {
    class: 'corrupt',
    http: 500,
    message: 'The drill of {resource} failed: {found}',
    hint: '`holdfast drill show {run}` shows every check. Until a drill passes, do not count on this resource coming back: take a new full backup and run the drill again.',
    messageZh: '{resource} 的恢复演练失败:{found}',
    hintZh:
      '`holdfast drill show {run}` 可查看每项检查。演练通过之前不应认为该资源可恢复:请重新执行完全备份后再次演练。',
  },
  drill_unknown: {
    class: 'input',
    http: 404,
    message: 'Run {run} is no drill that has a report',
    hint: '`holdfast drill ls` lists drills; a report is there when its run has ended.',
    messageZh: '运行 {run} 不是已有报告的演练',
    hintZh: '`holdfast drill ls` 可列出演练;运行结束后才有报告。',
  },
  drill_report_forged: {
    class: 'corrupt',
    http: 422,
    message: 'The report is not what was signed: {why}',
    hint: 'Get the report again with `holdfast drill report`, and the public key with `holdfast drill public-key` from the server that made it.',
    messageZh: '报告与签名内容不符:{why}',
    hintZh: '请用 `holdfast drill report` 重新获取报告,并从生成报告的服务器用 `holdfast drill public-key` 获取公钥。',
  },
} as const satisfies Record<string, ErrorSpec>;
