import { messageOf, SpansyncError } from '@spansync/common/runtime/errors'

/** The inviting machine was reached, and hung up without a word. */
export class NotInvitedError extends SpansyncError {
  constructor(address: string) {
    super({
      code: 'not_invited',
      message: `the machine at ${address} does not take this invitation: it was used already, or is older than ten minutes, or spansync was restarted there`,
      remedy:
        'run `spansync invite` there again, and join with what it prints. If nobody of yours has used this one, somebody else has: look ' +
        'at `spansync peer list` there, and `spansync remove` what is not yours',
    })
  }
}

export class InviterUnreachableError extends SpansyncError {
  constructor(tried: readonly { readonly address: string; readonly error: unknown }[]) {
    const told = tried.map(({ address, error }) => `${address}: ${messageOf(error)}`)
    super({
      code: 'inviter_unreachable',
      message: `the inviting machine cannot be reached${told.length === 0 ? ': its invitation names no address' : `\n${told.join('\n')}`}`,
      remedy:
        'check that both machines are in one network and that no firewall is between them; for a machine behind a router, ' +
        '`spansync invite --address HOST:PORT` puts the address into the invitation under which it can be dialled from outside',
      retryable: true,
    })
  }
}

/** The invitation was right, but the inviting machine could not let this one in. */
export class InviterFailedError extends SpansyncError {
  constructor({ error, remedy }: { error: string; remedy: string }) {
    super({
      code: 'inviter_failed',
      message: `the inviting machine could not let this one in: ${error}`,
      remedy: `there: ${remedy}; then \`spansync invite\` once more`,
    })
  }
}
