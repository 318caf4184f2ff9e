import type { ErrorSpec } from '../error-spec.ts';

export const walErrors = {
  log_history_damaged: {
    class: 'corrupt',
    http: 422,
    message: 'The timeline history file {name} is damaged: the line "{line}" cannot be right.',
    hint: 'Copy {name} again from the pg_wal directory of the server, or from another archive, and run the log backup again.',
    messageZh: '时间线历史文件 {name} 已损坏：行“{line}”不正确。',
    hintZh: '请从服务器的 pg_wal 目录或其他归档重新复制 {name}，然后重新执行日志备份。',
  },
  log_duplicate_differs: {
    class: 'unsafe',
    http: 409,
    message: 'The log file {file} differs from the segment of the same name that the pool already holds ({object}).',
    hint: "Two servers archive under one name (split brain), or an archived file was changed. Stop one server's archiving, find out which log is right, and move the wrong file out of the archive directory. Nothing was overwritten.",
    messageZh: '日志文件 {file} 与存储池中同名的日志段（{object}）内容不同。',
    hintZh:
      '可能有两个服务器使用同一名称归档（脑裂），或归档文件被修改。请停止其中一个服务器的归档，确认正确的日志，并将错误的文件移出归档目录。未覆盖任何内容。',
  },
  log_deleted_differs: {
    class: 'unsafe',
    http: 409,
    message:
      'The log file {file} lies where retention deleted log from the pool ({at}), but it is not the log that was deleted there. It was neither stored nor deleted.',
    hint: 'The server was put back to an earlier state (storage snapshot, virtual machine), or a copy of it archives here. Keep the file: its log is nowhere else. Let that server begin a timeline of its own (recover it with recovery.signal, then promote it), move the file to another directory, and take a full backup; give a copy an archive directory and a pool of its own. Only if the file is the old log, copied here later, remove it.',
    messageZh:
      '日志文件 {file} 位于保留策略已从存储池删除的日志范围内（{at}），但并不是当时被删除的日志。该文件既未存储，也未删除。',
    hintZh:
      '服务器可能被恢复到较早的状态（存储快照、虚拟机），或其副本归档到此处。请保留该文件：这些日志没有其他副本。请让该服务器开始新的时间线（使用 recovery.signal 恢复后提升），将该文件移到其他目录，并执行全量备份；副本应使用独立的归档目录和存储池。只有确认该文件是之后复制到此处的旧日志时，才可将其删除。',
  },
  log_put_back: {
    class: 'unsafe',
    http: 409,
    message:
      'The server does not continue the log of timeline {timeline} that the pool holds: {what}. Nothing of its log is stored.',
    hint: 'The server was put back to an earlier state (storage snapshot, virtual machine) without a timeline of its own, or it is a copy of another one. What it writes now is not what the pool holds under the same positions. Let it begin a timeline of its own (recover it with recovery.signal, then promote it), start the stream again, and take a full backup; give a copy a pool of its own.',
    messageZh: '服务器写出的日志与存储池中时间线 {timeline} 的日志不连续：{what}。其日志未被存储。',
    hintZh:
      '服务器可能被恢复到较早的状态（存储快照、虚拟机）而未开始新的时间线，或者它是另一台服务器的副本。它现在写出的日志与存储池中相同位置的日志不同。请让其开始新的时间线（使用 recovery.signal 恢复后提升），重新启动流接收，并执行全量备份；副本应使用独立的存储池。',
  },
  log_foreign: {
    class: 'precondition',
    http: 409,
    message:
      'The log file {file} belongs to another database cluster: its system identifier is {found}, expected {expected}.',
    hint: 'Give every cluster an archive directory of its own and move {file} to the one of its cluster.',
    messageZh: '日志文件 {file} 属于另一个数据库集群：其系统标识为 {found}，应为 {expected}。',
    hintZh: '请为每个集群使用独立的归档目录，并将 {file} 移至所属集群的目录。',
  },
  log_damaged: {
    class: 'corrupt',
    http: 422,
    message: 'The log file {file} is damaged: {what} at byte {offset}.',
    hint: 'If the server still has this segment in pg_wal, archive it again from there; otherwise points behind it need a new full backup. Log before it is committed and safe.',
    messageZh: '日志文件 {file} 已损坏：字节 {offset} 处 {what}。',
    hintZh:
      '如果服务器 pg_wal 中仍有该日志段，请重新归档；否则其后的时间点需要新的完全备份。该段之前的日志已提交且安全。',
  },
  log_name_mismatch: {
    class: 'corrupt',
    http: 422,
    message: 'The log file {file} holds other log than its name says: it begins at {found} on timeline {timeline}.',
    hint: 'The file was renamed or recycled after it was archived. Move it out of the archive directory and archive the segment again.',
    messageZh: '日志文件 {file} 的内容与文件名不符：其起点为 {found}，时间线 {timeline}。',
    hintZh: '该文件在归档后被重命名或重用。请将其移出归档目录并重新归档该日志段。',
  },
  log_history_missing: {
    class: 'precondition',
    http: 409,
    message:
      'Log of timeline {timeline} is in {directory}, but its history file {name} is neither there nor in the pool.',
    hint: 'Copy {name} from the pg_wal directory of the server into {directory}: without it nobody can tell where the timeline began.',
    messageZh: '{directory} 中存在时间线 {timeline} 的日志，但其历史文件 {name} 既不在该目录也不在存储池中。',
    hintZh: '请将 {name} 从服务器的 pg_wal 目录复制到 {directory}：没有它就无法确定该时间线的起点。',
  },
  archive_directory_unreadable: {
    class: 'precondition',
    http: 409,
    message: 'The archive directory {directory} cannot be read: {why}.',
    hint: 'Create it, give the account of the agent read and write permission, or correct the archive directory of the job.',
    messageZh: '无法读取归档目录 {directory}：{why}。',
    hintZh: '请创建该目录并授予代理端账户读写权限，或修正作业中的归档目录。',
  },
  archive_directory_unknown: {
    class: 'precondition',
    http: 409,
    message: 'No archive directory is known for the database {resource}.',
    hint: 'Name it with --archive-directory (resource preflight remembers it, backup takes it for one run), or set archive_mode and archive_command so that preflight can find it.',
    messageZh: '数据库 {resource} 未指定归档目录。',
    hintZh:
      '请用 --archive-directory 指定归档目录（resource preflight 会记住，backup 仅用于本次运行），或设置 archive_mode 和 archive_command 以便预检发现。',
  },
  archive_differs: {
    class: 'unsafe',
    http: 409,
    message: 'The archive already holds {file} with different content.',
    hint: 'Two servers archive into one directory, or the file was changed. Find out which log is right; nothing was overwritten.',
    messageZh: '归档中已存在内容不同的 {file}。',
    hintZh: '可能有两个服务器归档到同一目录，或该文件被修改。请确认哪份日志正确；未覆盖任何内容。',
  },
  batch_chain_broken: {
    class: 'corrupt',
    http: 422,
    message: 'The log batches of branch {branch} in pool {pool} do not form a chain: {what}.',
    hint: 'A batch object was removed or replaced outside Holdfast. Take a full backup, then look for the missing object in copies of the pool.',
    messageZh: '存储池 {pool} 中分支 {branch} 的日志批次不成链：{what}。',
    hintZh: '批次对象在 Holdfast 之外被删除或替换。请先执行一次完全备份，再从存储池副本中查找缺失的对象。',
  },
} as const satisfies Record<string, ErrorSpec>;
