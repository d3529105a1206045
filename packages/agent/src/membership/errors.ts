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

/** What this node says of members counts with nobody. */
export class RemovedHereError extends SpansyncError {
  constructor() {
    super({
      code: 'removed_here',
      message: 'this machine was removed from its network: it can let nobody in, and shut nobody out',
      remedy: 'have a member run `spansync invite`, and join again here',
    })
  }
}

/** One member can shut out only so many. */
export class TooManyRemovalsError extends SpansyncError {
  constructor(most: number) {
    super({
      code: 'too_many_removals',
      message: `this machine has shut out ${most} others already, and the rest would not believe it any more`,
      remedy: 'run `spansync remove` on another member',
    })
  }
}

/** What others hold of new keys has a bound. */
export class NoRoomForKeyError extends SpansyncError {
  constructor() {
    super({
      code: 'no_room_for_key',
      message: 'the member list has no room for another key of this machine, so nobody would hear of it',
      remedy:
        'on another member run `spansync remove` for this machine; here move key.pem and cert.pem away, and join again',
    })
  }
}
