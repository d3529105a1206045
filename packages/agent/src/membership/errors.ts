import { SpansyncError } from '@spansync/common/runtime/errors'

export class UnknownMemberError extends SpansyncError {
  constructor(name: string) {
    super({
      code: 'unknown_peer',
      message: `unknown peer \`${name}\``,
      remedy: 'see `spansync peer list`',
      exitCode: 2,
    })
  }
}
