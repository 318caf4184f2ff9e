import type { ErrorSpec } from '../error-spec.ts';

/** Errors of the programs that start and stop our own processes: supervisor, scripts, test support. */
export const platformErrors = {
  component_failed: {
    class: 'precondition',
    http: 500,
    message: '{component} ended before it was ready: {reason}',
    hint: 'Read its log: {logPath}. Correct the cause named there and start again.',
    messageZh: '{component} 未就绪即退出：{reason}',
    hintZh: '请查看其日志 {logPath}，排除其中所述原因后重新启动。',
  },
  component_not_ready: {
    class: 'unavailable',
    http: 503,
    message: '{component} did not become ready within {seconds} s.',
    hint: 'Read its log: {logPath}. A slow or full disk is the usual cause.',
    messageZh: '{component} 未在 {seconds} 秒内就绪。',
    hintZh: '请查看其日志 {logPath}；常见原因是磁盘过慢或已满。',
  },
  port_taken: {
    class: 'precondition',
    http: 409,
    message: 'Port {port}, wanted by {component}, is taken by {holder}.',
    hint: 'Stop that process, or choose other ports with --port-base.',
    messageZh: '{component} 所需端口 {port} 已被 {holder} 占用。',
    hintZh: '请停止该进程，或用 --port-base 选择其他端口。',
  },
  stack_running: {
    class: 'precondition',
    http: 409,
    message: 'Another Holdfast (process {pid}) already uses the folder {home}.',
    hint: 'Stop it with Ctrl-C in its terminal, or name another folder with HOLDFAST_HOME.',
    messageZh: '另一个 Holdfast（进程 {pid}）正在使用目录 {home}。',
    hintZh: '请在其终端按 Ctrl-C 停止，或用 HOLDFAST_HOME 指定其他目录。',
  },
  socket_path_long: {
    class: 'input',
    http: 400,
    message: 'The folder {folder} is too long for a Unix socket: {length} bytes, at most 90 are possible.',
    hint: 'Choose a shorter folder with HOLDFAST_HOME.',
    messageZh: '目录 {folder} 对 Unix 套接字而言过长：{length} 字节，最多 90 字节。',
    hintZh: '请用 HOLDFAST_HOME 选择更短的目录。',
  },
  tool_failed: {
    class: 'precondition',
    http: 500,
    message: '{tool} ended with {status}: {output}',
    hint: 'The output above names the cause. Correct it and start again.',
    messageZh: '{tool} 以 {status} 结束：{output}',
    hintZh: '以上输出说明了原因，请排除后重新启动。',
  },
} as const satisfies Record<string, ErrorSpec>;
