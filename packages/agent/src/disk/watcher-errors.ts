import { errnoOf, messageOf, SpansyncError } from '@spansync/common/runtime/errors'

/** The system does not report all changes. They are found by rescans only, which the caller should do more often. */
export class WatchDegradedError extends SpansyncError {
  constructor(options: { code: string; message: string; remedy: string; cause?: unknown }) {
    super({ ...options, retryable: true })
  }
}

/** What an error of the watcher means for the whole folder; undefined when it is about one path only (not readable, just gone, too long). */
export function degradedBy(root: string, error: unknown): WatchDegradedError | undefined {
  switch (errnoOf(error)) {
    case 'ENOSPC':
      return new WatchDegradedError({
        code: 'watch_limit',
        message: `the system allows too few watches for all directories of ${root}; changes there are noticed late`,
        remedy:
          "raise the limit: echo 'fs.inotify.max_user_watches=1048576' | sudo tee /etc/sysctl.d/60-spansync.conf && " +
          'sudo sysctl --system   (then restart spansync)',
        cause: error,
      })
    case 'EMFILE':
    case 'ENFILE':
      return new WatchDegradedError({
        code: 'watch_instances',
        message: `the system has no room for another watcher (${root}); changes there are noticed late`,
        remedy:
          "raise the limits: echo 'fs.inotify.max_user_instances=1024' | sudo tee /etc/sysctl.d/61-spansync.conf && " +
          'sudo sysctl --system; and open files: ulimit -n 65536   (then restart spansync)',
        cause: error,
      })
    case 'EACCES':
    case 'EPERM':
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ELOOP':
    case 'ENAMETOOLONG':
      return undefined
    default:
      return new WatchDegradedError({
        code: 'watch_failed',
        message: `watching ${root} failed: ${messageOf(error)}`,
        remedy: 'changes are still found by rescans; restart spansync when it does not go away',
        cause: error,
      })
  }
}
