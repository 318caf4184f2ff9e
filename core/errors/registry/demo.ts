import type { ErrorSpec } from '../error-spec.ts';

/** What can stop `npm run demo`. */
export const demoErrors = {
  demo_run_failed: {
    class: 'precondition',
    http: 500,
    message: 'Run {run} of the demo ended {state}: {cause}',
    hint: 'Read the logs in the demo folder; keep it with --keep.',
    messageZh: '演示中的运行 {run} 以 {state} 结束：{cause}',
    hintZh: '请查看演示目录中的日志；可用 --keep 保留该目录。',
  },
  demo_request_failed: {
    class: 'precondition',
    http: 500,
    message: 'The API refused {request}: {answer}',
    hint: 'The answer names the cause; the log of the API is in the demo folder.',
    messageZh: 'API 拒绝了 {request}：{answer}',
    hintZh: '原因见应答内容；API 日志位于演示目录。',
  },
  demo_overdue: {
    class: 'unavailable',
    http: 503,
    message: 'The demo waited {seconds} s for {what}',
    hint: 'A slow or full disk is the usual cause; the logs are in the demo folder, keep it with --keep.',
    messageZh: '演示等待 {what} 已达 {seconds} 秒',
    hintZh: '常见原因是磁盘过慢或已满；日志位于演示目录，可用 --keep 保留。',
  },
} as const satisfies Record<string, ErrorSpec>;
